"""What every worker knows of the runs of all batches: the cancelled and the replaced ones.

A photo of a cancelled run is passed over with the outcome ``cancelled``; one that a later run does
again is passed over without any, since its outcome is that of the later run. So a cancellation
costs no decode, and events of long ago that are delivered again change nothing.

It is told on a topic that each worker reads wholly from its beginning, and the worker takes no
photo before it has: what it did not know yet of a run, it could do in vain. Kafka away only keeps
it waiting; a reading that ends ends the worker.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pyroaring import BitMap

from streamapp import events
from streamapp.events import BatchCancelled, Outcome, RunControl, RunStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from faust import App

    from streamapp.events import BatchLogEvent, PhotoQueued
    from streamapp.stream.backlog import Delivery

PhotoPlace = tuple[str, int, int]
"""Batch, run and index of a photo."""

_log = logging.getLogger(__name__)


class Broadcast(Protocol):
    """A topic that this process reads wholly."""

    async def follow(
        self, take: Callable[[bytes | None], None], *, caught_up: Callable[[], None]
    ) -> None:
        """Give ``take`` every event's value from the first one on, for as long as it runs.

        ``caught_up`` is called when those are given that were there at the start. While Kafka is
        away it waits.
        """
        ...


def register(app: App, *, control: Control, broadcast: Broadcast) -> None:
    """Attach the task that feeds ``control`` to the app."""

    async def follow_control() -> None:
        await broadcast.follow(control.take, caught_up=control.caught_up.set)

    app.task(follow_control)


def told_to_workers(entry: BatchLogEvent | None) -> RunControl | None:
    """What all workers are told of an event of the batch log before it counts; None of most."""
    match entry:
        case BatchCancelled():
            return RunControl(batch=entry.batch, run=entry.run, cancelled=True)
        case RunStarted():
            return RunControl(batch=entry.batch, run=entry.run, photos=entry.photos)
    return None


class Verdict(NamedTuple):
    """What is to be done with the photos of a delivery, in its order.

    Of those in neither nothing is said: they are replaced, or in work by an earlier delivery.
    """

    due: tuple[Delivery, ...]
    cancelled: tuple[Outcome, ...]


class Control:
    """The facts that were told on the topic of controls so far.

    ``caught_up`` is set when they are all that were told before this worker started.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.caught_up = asyncio.Event()
        self._clock = clock
        self._cancelled: set[tuple[str, int]] = set()
        self._replaced: dict[str, dict[int, BitMap]] = {}

    def take(self, value: bytes | None) -> None:
        """Fold an event of the topic; one that cannot be read is logged and passed over.

        One without a value is the way by which a compacted topic is tidied, and says nothing.
        """
        if value is None:
            return
        try:
            self.fold(events.decode_control(value))
        except events.UNREADABLE as error:
            _log.error("a control of %d bytes cannot be read: %s", len(value), error)

    def fold(self, told: RunControl) -> None:
        """Note what was told; any order and any repetition give the same."""
        if told.cancelled:
            self._cancelled.add((told.batch, told.run))
        if told.photos:
            photos = BitMap.deserialize(told.photos)
            of_batch = self._replaced.setdefault(told.batch, {})
            of_batch[told.run] = of_batch.get(told.run, photos) | photos

    def verdict(
        self, deliveries: Sequence[Delivery], in_work: Container[PhotoPlace] = ()
    ) -> Verdict:
        """What is to be done with photos of one run of a batch.

        One that was queued twice may be ``in_work`` when its run is cancelled. It is not told as
        cancelled too: its crop would be swept before its outcome comes.
        """
        first = deliveries[0].photo
        later = [
            photos for run, photos in self._replaced.get(first.batch, {}).items() if run > first.run
        ]
        due = tuple(
            each for each in deliveries if not any(each.photo.index in photos for photos in later)
        )
        if (first.batch, first.run) not in self._cancelled:
            return Verdict(due, ())
        now = self._clock()
        unheard = (each.photo for each in due if place(each.photo) not in in_work)
        return Verdict((), tuple(_cancelled(photo, now) for photo in unheard))


def place(photo: PhotoQueued) -> PhotoPlace:
    """Which photo it is, however often it is delivered."""
    return photo.batch, photo.run, photo.index


def _cancelled(photo: PhotoQueued, now: float) -> Outcome:
    return Outcome(index=photo.index, name=photo.name, state="cancelled", finished_at=now)
