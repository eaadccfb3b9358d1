"""Which partitions of the progress table this worker may answer for, and from where it folds.

Progress must not go backwards for anyone who polls, nor stay behind for good. A recovered table can
be older than what was answered: the predecessor may have answered from events whose changelog entry
died with it; and one that was frozen and awakes may still write its old rows behind the newer ones
of its successor. So after each recovery the batch log is folded again from where the oldest row of
an unfinished batch stands (the fold takes any repetition), and a partition is answered for only
when that has reached the log's end. A worker that Kafka has not answered for a session, since it
was frozen or cut off, may have been replaced and answers nothing. One that ends answers nothing
more, since its table is closed before its web server.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from streamapp import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from faust.types import TableT

    from streamapp.progress import Progress
    from streamapp.stream.consumer import WorkerConsumer
    from streamapp.stream.followers import Follower
    from streamapp.stream.generations import WorkerApp
    from streamapp.stream.loads import Loads
    from streamapp.topics import Topics

_log = logging.getLogger(__name__)


class Ownership:
    """The partitions that were assigned, and the offset each must have been folded up to."""

    def __init__(
        self,
        app: WorkerApp,
        *,
        topics: Topics,
        table: TableT[bytes, bytes],
        followers: Follower,
        loads: Loads,
    ) -> None:
        self._app = app
        self._topics = topics
        self._table = table
        self._followers = followers
        self._loads = loads
        self._behind: dict[int, int] = {}
        self._assigned: set[int] = set()
        self._joined = False
        app.on_partitions_revoked.connect(self._revoked, weak=False)
        app.on_rebalance_complete.connect(self._recovered, weak=False)

    def answers_for(self, partition: int) -> bool:
        """Whether the table of this worker holds the latest of the partition's batches."""
        return (
            not self._app.should_stop
            and not self._app.rebalancing
            and partition in self._assigned
            and partition not in self._behind
            and self.is_sure
        )

    @property
    def behind(self) -> Mapping[int, int]:
        """Per partition that is not answered for yet, the offset up to which it is to be folded."""
        return self._behind

    @property
    def ready(self) -> bool:
        """Whether the worker has joined its group and can answer for all that it was given.

        A worker beyond the number of partitions is given none and is ready with nothing to do.
        """
        return self._joined and not self._app.rebalancing and not self._behind

    @property
    def idle(self) -> bool:
        """Whether the worker is beyond the number of partitions: it has none."""
        return self._joined and not self._app.rebalancing and not self._assigned

    @property
    def is_sure(self) -> bool:
        """Whether nobody else can have been given this worker's partitions."""
        return self._app.lease.holds

    def folded(self, partition: int, offset: int) -> None:
        """Note that the event at ``offset`` of the batch log is folded; it may be unwritten."""
        if offset + 1 >= self._behind.get(partition, offset + 2):
            del self._behind[partition]

    async def _revoked(self, *_args: Any, **_options: Any) -> None:
        self._assigned.clear()
        self._followers.clear()
        self._loads.clear()

    async def _recovered(self, *_args: Any, **_options: Any) -> None:
        consumer = cast("WorkerConsumer", self._app.consumer)
        starts = await consumer.first_offsets()
        tps = [tp for tp in starts if tp.topic == self._topics.batches]
        ends = await consumer.highwaters(*tps)
        if not consumer.starting and starts:
            return  # the next rebalance has begun
        oldest = self._take_over(unsettled(self._counted()))
        self._behind = {}
        for tp in tps:
            start = consumer.start_earlier(tp, oldest.get(tp.partition, starts[tp]))
            if start < ends[tp]:
                self._behind[tp.partition] = ends[tp]
        self._assigned = {tp.partition for tp in tps}
        if not tps:
            _log.warning("This worker is idle: there are more workers than partitions.")
        self._joined = True

    def _take_over(self, batches: Iterable[tuple[int, Progress]]) -> dict[int, int]:
        """Per partition, the offset from which its unfinished batches must be folded again."""
        self._followers.clear()
        oldest: dict[int, int] = {}
        for partition, state in batches:
            self._followers.put(partition, state)
            oldest[partition] = min(oldest.get(partition, 1 << 63), state.log_offset + 1)
        return oldest

    def _counted(self) -> Iterator[tuple[int, Progress]]:
        """All batches of the table."""
        self._loads.clear()
        for partition, state in batches(self._table.items(), self._partition):
            self._loads.changed(partition, None, state)
            yield partition, state

    def _partition(self, key: bytes) -> int | None:
        return self._app.consumer.key_partition(self._topics.batches, key)


def batches(
    rows: Iterable[tuple[bytes, bytes]], partition_of: Callable[[bytes], int | None]
) -> Iterator[tuple[int, Progress]]:
    """The batches, each with its partition."""
    for key, row in rows:
        partition = partition_of(key)
        if partition is not None:
            yield partition, progress.decode(row)


def unsettled(known: Iterable[tuple[int, Progress]]) -> Iterator[tuple[int, Progress]]:
    """Those of the batches that are not finished."""
    return (each for each in known if not progress.is_settled(each[1]))
