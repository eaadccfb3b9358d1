"""Photos that were taken from their partitions and wait for a child, grouped when one asks.

The lanes have their shares (`lanes`); within a lane the batches take turns, and within a batch its
partitions: a small batch is not behind what waits of a large one. Each lane is bounded: whoever
puts waits while his is full, so Faust stops fetching its partitions, nothing piles up, and the
other lanes are taken in as before. Grouping happens as late as possible: a run is whatever
neighbours wait by then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from streamapp import archive
from streamapp.stream.lanes import LaneShares
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust.types import TP, EventT

    from streamapp.events import Attempt, PhotoQueued
    from streamapp.topics import Lane

K = TypeVar("K")
V = TypeVar("V")

LINGER_S = 0.02
"""How long a run that may still grow waits for its next photo."""


class Delivery(NamedTuple):
    """A photo event as it was delivered to this worker."""

    event: EventT[bytes]
    photo: PhotoQueued
    lane: Lane
    attempts: tuple[Attempt, ...] = ()
    """Those at this photo that failed before."""

    @property
    def partition(self) -> TP:
        """Where it came from."""
        return self.event.message.tp

    @property
    def offset(self) -> int:
        """Its place there."""
        return self.event.message.offset


@dataclass(slots=True)
class _Line:
    """The waiting photos of one batch from one partition, in its order."""

    photos: deque[Delivery] = field(default_factory=deque)
    last_arrival: float = 0.0


@dataclass(slots=True)
class _Queue:
    """The waiting photos of a lane: lines by batch and partition, in the order of their turns."""

    batches: dict[str, dict[TP, _Line]] = field(default_factory=dict)
    count: int = 0


class Backlog:
    """The waiting photos of this worker."""

    def __init__(self, *, lane_photos_max: int, clock: Callable[[], float]) -> None:
        self._lane_photos_max = lane_photos_max
        self._clock = clock
        self._changed = asyncio.Condition()
        self._closed = False
        self.clear()

    def clear(self) -> None:
        """Forget all that waits: after a rebalance it is delivered again."""
        self._shares = LaneShares()
        self._queues: dict[Lane, _Queue] = {lane: _Queue() for lane in LANES}

    async def put(self, delivery: Delivery) -> None:
        """Add a photo; waits while ``lane_photos_max`` of its lane are there."""
        lane = delivery.lane
        async with self._changed:
            await self._changed.wait_for(lambda: self._queues[lane].count < self._lane_photos_max)
            queue = self._queues[lane]
            if not queue.count:
                self._shares.awake(lane)
            lines = queue.batches.setdefault(delivery.photo.batch, {})
            line = lines.setdefault(delivery.partition, _Line())
            line.photos.append(delivery)
            line.last_arrival = self._clock()
            queue.count += 1
            self._changed.notify_all()

    async def take(self) -> list[Delivery]:
        """The next run: neighbours of one archive from one partition; none when it is closed."""
        async with self._changed:
            while not self._closed:
                if run := self._next_run():
                    self._changed.notify_all()
                    return run
                await self._wait_for_change()
        return []

    async def close(self) -> None:
        """Give out no further run."""
        self._closed = True
        async with self._changed:
            self._changed.notify_all()

    async def _wait_for_change(self) -> None:
        timeout = LINGER_S if any(queue.count for queue in self._queues.values()) else None
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._changed.wait()

    def _next_run(self) -> list[Delivery]:
        waiting = [lane for lane, queue in self._queues.items() if queue.count]
        for lane in self._shares.order(waiting):
            if run := self._run_of(self._queues[lane]):
                self._shares.spend(lane, len(run))
                return run
        return []

    def _run_of(self, queue: _Queue) -> list[Delivery]:
        for batch, lines in queue.batches.items():
            for partition, line in lines.items():
                if size := self._ready(line):
                    run = [line.photos.popleft() for _ in range(size)]
                    queue.count -= size
                    # Who had a turn goes to the end of its ring.
                    _to_the_end(lines, partition, keep=bool(line.photos))
                    _to_the_end(queue.batches, batch, keep=bool(lines))
                    return run
        return []

    def _ready(self, line: _Line) -> int:
        """Photos of the run at the head of a line; 0 while it may still grow."""
        size = _run_length(line.photos)
        grown = size < len(line.photos) or size >= archive.RUN_PHOTOS
        return size if grown or self._clock() - line.last_arrival >= LINGER_S else 0


def _to_the_end(ring: dict[K, V], key: K, *, keep: bool) -> None:
    value = ring.pop(key)
    if keep:
        ring[key] = value


def _run_length(waiting: deque[Delivery]) -> int:
    run: list[PhotoQueued] = []
    for delivery in waiting:
        # What has failed before may do so again, and is no company for others.
        if run and (delivery.attempts or not archive.joins(run, delivery.photo)):
            break
        run.append(delivery.photo)
        if delivery.attempts:
            break
    return len(run)
