"""``GET /api/batch/queue-stats``: how many photos wait, are in work, are done or failed.

``waiting``: the photos that batches still owe and that are in nobody's work; also those that are
not queued yet, or wait for another attempt, or are done again. ``active``: those that the workers
have in hand to their children. ``completed`` and ``failed``: those of all batches that are known,
by their last outcome. A batch counts from when a worker has opened it; what a cancelled run left
counts nowhere. A lane is that of the batch's priority.

The workers are asked at most once in `FRESH_S`. Of a partition that is just being taken over the
figures are those that were told last, and ``ageSeconds`` says how old the oldest are; before all
were told once, the answer is 503.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from streamapp.errors import Code, StreamappError
from streamapp.progress import Figures
from streamapp.topics import LANES, Lane
from streamapp.upload.answers import json_answer
from streamapp.upload.operations import Operation, described, json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from streamapp.upload.interfaces import LoadSource

PATH = "/api/batch/queue-stats"
FRESH_S = 1.0


class LaneStats(msgspec.Struct, frozen=True, kw_only=True):
    """Photos that are in work, done, failed, and still to do."""

    active: int
    completed: int
    failed: int
    waiting: int


class Stats(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Of all lanes together, and of each."""

    face_detection: LaneStats
    lanes: dict[Lane, LaneStats]


class QueueStatsAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is answered; ``age_seconds`` is 0 when all figures are of now."""

    success: bool = True
    stats: Stats
    age_seconds: float = 0.0


class QueueStats:
    """The figures of all partitions, as they were told last; ``clock`` is monotonic."""

    def __init__(self, source: LoadSource, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._asking = asyncio.Lock()
        self._asked_at, self._done_at = 0.0, -FRESH_S
        self._partitions: dict[int, tuple[float, Mapping[Lane, Figures]]] = {}
        self._active: dict[Lane, int] = {}
        self._of = 0

    async def tell(self) -> QueueStatsAnswer:
        """The figures.

        Raises:
            StreamappError: ``PROGRESS_AWAY``: there are partitions that nothing was told of yet.
        """
        async with self._asking:
            if self._clock() - self._done_at >= FRESH_S:
                await self._ask()
        if not self._of or not self._partitions.keys() >= set(range(self._of)):
            raise StreamappError(Code.PROGRESS_AWAY)
        oldest = min(told_at for told_at, _ in self._partitions.values())
        return QueueStatsAnswer(stats=self._stats(), age_seconds=round(self._asked_at - oldest, 1))

    async def _ask(self) -> None:
        self._asked_at, self._active = self._clock(), {}
        try:
            group = await self._source.load()
        except StreamappError as error:
            if error.code is not Code.PROGRESS_AWAY:
                raise
        else:
            for each in group.workers.values():
                self._of = each.of
                self._partitions |= {
                    number: (self._asked_at, told) for number, told in each.partitions.items()
                }
                for lane, photos in each.active.items():
                    self._active[lane] = self._active.get(lane, 0) + photos
        self._done_at = self._clock()

    def _stats(self) -> Stats:
        lanes = {lane: self._lane(lane) for lane in LANES}
        total = {
            name: sum(getattr(each, name) for each in lanes.values())
            for name in LaneStats.__struct_fields__
        }
        return Stats(face_detection=LaneStats(**total), lanes=lanes)

    def _lane(self, lane: Lane) -> LaneStats:
        told = Figures()
        for _, lanes in self._partitions.values():
            told = told.plus(lanes.get(lane, Figures()))
        active = min(told.owed, self._active.get(lane, 0))
        return LaneStats(
            active=active,
            completed=told.completed,
            failed=told.failed,
            waiting=told.owed - active,
        )


QUEUE_STATS = Operation(
    "How many photos wait, are in work, are done or failed",
    {200: json(QueueStatsAnswer, "Of all batches, and lane by lane.")},
    refusals=(Code.PROGRESS_AWAY,),
)


def queue_stats_routes(stats: QueueStats) -> list[Route]:
    """The address."""

    @described(GET=QUEUE_STATS)
    async def queue_stats(_request: Request) -> Response:
        return json_answer(await stats.tell())

    return [Route(PATH, queue_stats)]
