"""The row of each batch in ``batches``: of what the tally has folded, at most once a second.

An event of the batch log is acknowledged when the database has a row that holds it, and when who is
to be told of the batch's end will be. So nothing is left unwritten by a kill: what was not is
delivered again. While the database is away the events wait. A row never goes back, whoever writes
it late: see `RecordStore.upsert_batch`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from connectors.records.interface import BatchRecord
from streamapp import progress
from streamapp.keys import batch_key
from streamapp.stream.intake import acknowledge, current
from streamapp.stream.window import Window

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from faust.types import EventT

    from connectors.records.interface import RecordStore
    from streamapp.events import BatchLogEvent
    from streamapp.progress import Progress
    from streamapp.stream.circuit import Circuit

PAUSE_S = 1.0
"""Between two rows of a batch."""

HELD_EVENTS_MAX = 2048
"""Events in memory that are not acknowledged; some 10 kB each."""


class BatchRows:
    """The events whose batches are to be written, and their writer."""

    def __init__(
        self,
        records: RecordStore,
        circuit: Circuit,
        *,
        state_of: Callable[[bytes], Progress | None],
        announce: Callable[[Progress], Awaitable[None]],
    ) -> None:
        """Nothing is held yet.

        Args:
            records: Where the rows go.
            circuit: The database's.
            state_of: Tells of a batch, by its key, what is folded, or None.
            announce: Has whoever is to be told of the batch told, after its row.
        """
        self._records = records
        self._circuit = circuit
        self._state_of = state_of
        self._announce = announce
        self._windows: dict[int, Window[EventT[bytes]]] = defaultdict(Window)
        self._held: dict[bytes, list[EventT[bytes]]] = {}
        self._writing = asyncio.Lock()
        self._due = asyncio.Event()
        self._released = asyncio.Event()

    async def clear(self, *_args: Any, **_options: Any) -> None:
        """Forget what is not written: after the rebalance it is delivered again, here or there."""
        self._windows.clear()
        self._held.clear()
        self._released.set()

    async def enter(self, event: EventT[bytes], entry: BatchLogEvent | None) -> None:
        """Have the event's batch written, then the event acknowledged.

        Waits while too many are not. An event that could not be read has no batch.
        """
        self._windows[event.message.partition].take(event.message.offset, event)
        if entry:
            self._held.setdefault(batch_key(entry.batch), []).append(event)
        else:
            self._release([event])
        while self._is_full:
            self._due.set()
            self._released.clear()
            await self._released.wait()

    async def write(self) -> None:
        """Write what there is, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_S):
                    await self._due.wait()
            self._due.clear()
            await self._write()

    async def finish(self) -> None:
        """Write once more, unless the database is away: nobody else may come soon to do it."""
        if not self._circuit.is_open:
            await self._write()

    async def _write(self) -> None:
        async with self._writing:
            for key, held in list(self._held.items()):
                state = self._state_of(key)
                if state and current(held[0]) and state.log_offset >= held[0].message.offset:
                    await self._write_one(key, held, state)

    async def _write_one(self, key: bytes, held: list[EventT[bytes]], state: Progress) -> None:
        if row := batch_row(state):
            await self._circuit.patiently(partial(self._records.upsert_batch, row))
            await self._circuit.patiently(partial(self._announce, state))
        if self._held.get(key) is held:
            told = [event for event in held if event.message.offset <= state.log_offset]
            self._held[key] = [event for event in held if event.message.offset > state.log_offset]
            if not self._held[key]:
                del self._held[key]
            self._release(told)

    def _release(self, held: Sequence[EventT[bytes]]) -> None:
        for event in held:
            for released in self._windows[event.message.partition].finish(event.message.offset):
                acknowledge(released)
        self._released.set()

    @property
    def _is_full(self) -> bool:
        return sum(map(len, self._windows.values())) >= HELD_EVENTS_MAX


def batch_row(state: Progress) -> BatchRecord | None:
    """The row of a batch; None before it is opened."""
    if not state.is_opened:
        return None
    told, run = progress.status(state), state.latest
    ended_at = max(run.started_at, run.finished_at, run.cancelled_at)
    return BatchRecord(
        id=state.batch,
        project_id=state.project,
        external_id=state.external_id,
        status=told.status,
        priority=told.priority,
        photos=told.image_count,
        processed=told.progress.processed,
        failed=told.progress.failed,
        cancelled=told.cancelled,
        run=told.run,
        created_at=state.opened_at,
        started_at=run.started_at or None,
        ended_at=ended_at if told.status in progress.ENDED else None,
    )
