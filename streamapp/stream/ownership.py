"""Which partitions of the progress table this worker may answer for.

Progress must not go backwards for anyone who polls. A worker that takes a partition over knows at
first only what its predecessor's changelog held; the predecessor may have answered from events
that it had folded but not saved. So a partition is answered for only when its table is recovered
and the batch log was folded up to where it ended at the takeover.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from faust.types import TP

if TYPE_CHECKING:
    from faust import App
    from faust.transport.consumer import Consumer

    from streamapp.topics import Topics


class Ownership:
    """The partitions that were assigned, and the offset each must have been folded up to."""

    def __init__(self, app: App, topics: Topics) -> None:
        self._app = app
        self._batches = topics.batches
        self._behind: dict[int, int] = {}
        self._assigned: set[int] = set()
        self._joined = False
        app.on_partitions_revoked.connect(self._revoked, weak=False)
        app.on_rebalance_complete.connect(self._recovered, weak=False)

    def answers_for(self, partition: int) -> bool:
        """Whether the table of this worker holds the latest of the partition's batches."""
        return (
            not self._app.rebalancing
            and partition in self._assigned
            and partition not in self._behind
        )

    @property
    def ready(self) -> bool:
        """Whether the worker has joined its group and can answer for all that it was given.

        A worker beyond the number of partitions is given none and is ready with nothing to do.
        """
        return self._joined and not self._app.rebalancing and not self._behind

    def folded(self, partition: int, offset: int) -> None:
        """Note that the event at ``offset`` of the batch log is in the table."""
        if offset + 1 >= self._behind.get(partition, offset + 2):
            del self._behind[partition]

    async def _revoked(self, *_args: Any, **_options: Any) -> None:
        self._assigned.clear()

    async def _recovered(self, *_args: Any, **_options: Any) -> None:
        consumer = cast("Consumer", self._app.consumer)
        tps = {tp for tp in consumer.assignment() if tp.topic == self._batches}
        ends = await consumer.highwaters(*tps)
        starts = await consumer.earliest_offsets(*tps)
        # The only way Faust gives to read the committed offsets; it seeks there itself next.
        committed = await consumer.seek_to_committed()
        self._behind = {
            tp.partition: ends[tp]
            for tp in tps
            if max(committed.get(TP(*tp)) or 0, starts[tp]) < ends[tp]
        }
        self._assigned = {tp.partition for tp in tps}
        self._joined = True
