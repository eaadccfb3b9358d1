"""Tally: the batch log folded into the table ``progress``, one row per batch.

The table lives in RocksDB and in a compacted changelog topic, so a worker that takes a partition
over recovers its rows. The fold is idempotent: what is delivered again changes nothing. Of a run
that begins, and of one that is cancelled, all workers are told before it counts as read.

Rows are written seldom (see `rows`), and an event is acknowledged, in the order of its partition,
only when Kafka has the row that holds it. The views tell what is folded, which may be ahead of what
is written; a successor is not behind it all the same: whatever was folded here and not written was
in the log and not acknowledged, so it is delivered again, and `ownership` answers only when it is
folded up to where the log ended at the takeover. Of a partition that was given away nothing is
written any more, nor by a process that stood still and may have been replaced; what was on its way
then is an older row behind newer ones, which `ownership` sees through. An end that is asked for
waits for what is unwritten; what the log brings meanwhile is left to the successor.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from streamapp import events, progress
from streamapp.stream.control import told_to_workers
from streamapp.stream.intake import acknowledge, current, deliveries, ending_the_worker
from streamapp.stream.loads import Loads
from streamapp.stream.outlet import Message, Outlet, raw_topic
from streamapp.stream.ownership import Ownership
from streamapp.stream.rows import Rows
from streamapp.stream.window import Window
from streamapp.topics import PROGRESS_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faust.types import EventT, StreamT

    from streamapp.events import BatchLogEvent, RunControl
    from streamapp.stream.circuit import Circuit
    from streamapp.stream.followers import Follower
    from streamapp.stream.generations import WorkerApp
    from streamapp.stream.local_state import LocalTable
    from streamapp.topics import Topics

HELD_EVENTS_MAX = 2048
"""Events in memory that are folded and not acknowledged; some 10 kB each."""

TICK_S = 0.5
"""How often is looked for rows that are due because nothing happened."""

_log = logging.getLogger(__name__)

_ROCKSDB = {
    "block_cache_size": 16 * 1024 * 1024,
    "write_buffer_size": 8 * 1024 * 1024,
    "max_write_buffer_number": 2,
}
"""Per partition; Faust's own figures (2 GiB of cache each) are for one large table."""


class Tallied(NamedTuple):
    """What is folded, and for which partitions it may be told."""

    rows: Rows
    ownership: Ownership
    loads: Loads


def register(
    app: WorkerApp,
    *,
    topics: Topics,
    kafka: Circuit,
    followers: Follower,
    held_s_max: float,
    clock: Callable[[], float],
) -> Tallied:
    """Attach the table, the agent ``tally`` and its writer to the app; they alone write it.

    No row waits for longer than ``held_s_max``; ``followers`` are told of each batch.
    """
    table = _progress_table(app, partitions=topics.partitions)
    loads = Loads()
    ownership = Ownership(app, topics=topics, table=table, followers=followers, loads=loads)
    rows = Rows(table, loads, held_s_max=held_s_max, clock=clock)
    outlet = Outlet(app, topics, kafka)
    _attach(app, topics, outlet, Tally(outlet, rows, ownership, followers))
    return Tallied(rows, ownership, loads)


def _progress_table(app: WorkerApp, *, partitions: int) -> LocalTable:
    """`progress.Progress` by batch; the keys are raw bytes, hashed like those of the batch log."""
    table = app.Table(
        PROGRESS_TABLE,
        key_type=bytes,
        value_type=bytes,
        partitions=partitions,
        options=dict(_ROCKSDB),
    )
    return cast("LocalTable", table)


def _attach(app: WorkerApp, topics: Topics, outlet: Outlet, books: Tally) -> None:
    async def tally(stream: StreamT[bytes]) -> None:
        async for event, entry in deliveries(stream, events.decode_batch_log):
            if told := told_to_workers(entry):
                _log.info("%s", spoken(told))
                await outlet.announce(told)
            if current(event):
                await books.enter(event, entry)

    app.agent(raw_topic(app, topics.batches), name="tally", concurrency=1)(
        ending_the_worker(app, tally)
    )
    app.task(ending_the_worker(app, books.write))
    app.on_partitions_revoked.connect(books.clear, weak=False)
    app.finish_before_the_end(books.finish)


def spoken(told: RunControl) -> str:
    """What the log says of it."""
    if told.cancelled:
        return f"Batch {told.batch}: run {told.run} is cancelled."
    photos = len(progress.indexes_of(told.photos))
    return f"Batch {told.batch}: run {told.run} does {photos} photos again."


class Tally:
    """The work of the agent: from events to rows that are written and acknowledgements."""

    def __init__(
        self, outlet: Outlet, rows: Rows, ownership: Ownership, followers: Follower
    ) -> None:
        self._outlet = outlet
        self._rows = rows
        self._ownership = ownership
        self._followers = followers
        self._windows: dict[int, Window[EventT[bytes]]] = defaultdict(Window)
        self._due = asyncio.Event()
        self._released = asyncio.Event()
        self._ending = False

    async def clear(self, *_args: Any, **_options: Any) -> None:
        """Drop what is not written: after the rebalance it is delivered again, here or there."""
        self._rows.clear()
        self._windows.clear()
        self._released.set()

    async def enter(self, event: EventT[bytes], entry: BatchLogEvent | None) -> None:
        """Fold an event; waits while too many are not acknowledged. At the end it is left alone."""
        if self._ending:
            return  # the log does not pause: what is unwritten would never come to nothing
        partition, offset = event.message.partition, event.message.offset
        self._windows[partition].take(offset, event)
        row = self._rows.fold(event, entry) if entry else None
        if row:
            self._followers.put(partition, row.state)
        else:
            self._release([event])
        self._ownership.folded(partition, offset)
        if self._is_full or (row and self._rows.is_due(row)):
            self._due.set()
        while self._is_full:
            await self._release_of_some()

    async def write(self) -> None:
        """Write what is due, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._due.wait()
            self._due.clear()
            if self._ownership.is_sure:
                await self._write()

    async def finish(self) -> None:
        """Fold no further event, and return when those that are folded are written."""
        self._ending = True
        self._due.set()
        while self._held:
            await self._release_of_some()

    async def _write(self) -> None:
        rows = self._rows.take(everything=self._ending or self._is_full)
        held = [event for row in rows for event in row.events]
        if not held:
            return
        places = await self._outlet.keep(
            [Message(row.key, row.value, row.events[0].message.partition) for row in rows],
            still=lambda: current(held[0]),
        )
        if current(held[0]):
            self._rows.written(rows, places)
            self._release(held)

    def _release(self, held: Sequence[EventT[bytes]]) -> None:
        for event in held:
            for released in self._windows[event.message.partition].finish(event.message.offset):
                acknowledge(released)
        self._released.set()

    async def _release_of_some(self) -> None:
        self._released.clear()
        await self._released.wait()

    @property
    def _held(self) -> int:
        return sum(map(len, self._windows.values()))

    @property
    def _is_full(self) -> bool:
        return self._held >= HELD_EVENTS_MAX
