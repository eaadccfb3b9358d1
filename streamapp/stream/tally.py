"""Tally: the batch log folded into the table ``progress``, one row per batch.

The table lives in RocksDB and in a compacted changelog topic, so a worker that takes a partition
over recovers its rows. The fold is idempotent: what is delivered again changes nothing. Of a run
that begins, and of one that is cancelled, all workers are told before it counts as read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streamapp import events, progress
from streamapp.keys import batch_key
from streamapp.stream.control import told_to_workers
from streamapp.stream.intake import acknowledge, deliveries, ending_the_worker
from streamapp.stream.outlet import Outlet, raw_topic
from streamapp.topics import PROGRESS_TABLE

if TYPE_CHECKING:
    from faust import App
    from faust.types import StreamT, TableT

    from streamapp.events import BatchLogEvent
    from streamapp.progress import Progress
    from streamapp.stream.circuit import Circuit
    from streamapp.stream.followers import Follower
    from streamapp.stream.ownership import Ownership
    from streamapp.topics import Topics

_ROCKSDB = {
    "block_cache_size": 16 * 1024 * 1024,
    "write_buffer_size": 8 * 1024 * 1024,
    "max_write_buffer_number": 2,
}
"""Per partition; Faust's own figures (2 GiB of cache each) are for one large table."""


def progress_table(app: App, *, partitions: int) -> TableT[bytes, bytes]:
    """`progress.Progress` by batch; the keys are raw bytes, hashed like those of the batch log."""
    return app.Table(
        PROGRESS_TABLE,
        key_type=bytes,
        value_type=bytes,
        partitions=partitions,
        options=dict(_ROCKSDB),
    )


def register(
    app: App,
    *,
    topics: Topics,
    kafka: Circuit,
    table: TableT[bytes, bytes],
    ownership: Ownership,
    followers: Follower,
) -> None:
    """Attach the agent ``tally`` to the app; it alone writes the table."""
    outlet = Outlet(app, topics, kafka)

    async def tally(stream: StreamT[bytes]) -> None:
        async for event, entry in deliveries(stream, events.decode_batch_log):
            if told := told_to_workers(entry):
                await outlet.announce(told)
            if entry is not None:
                state = _fold_into(table, entry, event.message.offset)
                followers.put(event.message.partition, state)
            ownership.folded(event.message.partition, event.message.offset)
            acknowledge(event)

    app.agent(raw_topic(app, topics.batches), name="tally", concurrency=1)(
        ending_the_worker(app, tally)
    )


def _fold_into(table: TableT[bytes, bytes], entry: BatchLogEvent, offset: int) -> Progress:
    key = batch_key(entry.batch)
    row = table.get(key)
    before = progress.decode(row) if row else None
    folded = progress.fold(before, entry)
    after = msgspec.structs.replace(folded, log_offset=max(folded.log_offset, offset))
    if after != before:
        table[key] = progress.encode(after)
    return after
