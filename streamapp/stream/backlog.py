"""Photos that were taken from their partitions and wait for a child, grouped when one asks.

Bounded: whoever puts waits while it is full, so Faust stops fetching those partitions and nothing
piles up. Grouping happens as late as possible: a run is whatever neighbours wait by then.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

from streamapp import archive

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust.types import TP, EventT

    from streamapp.events import PhotoQueued

LINGER_S = 0.02
"""How long a run that may still grow waits for its next photo."""


class Delivery(NamedTuple):
    """A photo event as it was delivered to this worker."""

    event: EventT[bytes]
    photo: PhotoQueued

    @property
    def partition(self) -> TP:
        """Where it came from."""
        return self.event.message.tp

    @property
    def offset(self) -> int:
        """Its place there."""
        return self.event.message.offset


class Backlog:
    """The waiting photos of this worker, in the order of each partition."""

    def __init__(self, *, photos_max: int, clock: Callable[[], float]) -> None:
        self._photos_max = photos_max
        self._clock = clock
        self._waiting: dict[TP, deque[Delivery]] = defaultdict(deque)
        self._last_arrival: dict[TP, float] = {}
        self._count = 0
        self._changed = asyncio.Condition()

    async def put(self, delivery: Delivery) -> None:
        """Add a photo; waits while ``photos_max`` are there."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._count < self._photos_max)
            self._waiting[delivery.partition].append(delivery)
            self._last_arrival[delivery.partition] = self._clock()
            self._count += 1
            self._changed.notify_all()

    async def take(self) -> list[Delivery]:
        """The next run: neighbours of one archive from one partition, at least one photo."""
        async with self._changed:
            while not (run := self._next_run()):
                await self._wait_for_change()
            self._count -= len(run)
            self._changed.notify_all()
        return run

    def clear(self) -> None:
        """Forget all that waits: after a rebalance it is delivered again."""
        self._waiting.clear()
        self._count = 0

    async def _wait_for_change(self) -> None:
        timeout = LINGER_S if self._count else None
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return

    def _next_run(self) -> list[Delivery]:
        for partition, waiting in self._waiting.items():
            size = _run_length(waiting)
            grown = size < len(waiting) or size >= archive.RUN_PHOTOS
            if grown or self._clock() - self._last_arrival[partition] >= LINGER_S:
                run = [waiting.popleft() for _ in range(size)]
                # To the end, so that the partitions take turns.
                self._waiting.pop(partition)
                if waiting:
                    self._waiting[partition] = waiting
                return run
        return []


def _run_length(waiting: deque[Delivery]) -> int:
    run: list[PhotoQueued] = []
    for delivery in waiting:
        if run and not archive.joins(run, delivery.photo):
            break
        run.append(delivery.photo)
    return len(run)
