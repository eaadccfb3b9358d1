"""A run of a batch whose photos are not all finished, as the worker that expands it knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs
from pyroaring import BitMap

from streamapp import progress
from streamapp.keys import FIRST_RUN
from streamapp.stream import patience
from streamapp.topics import lane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamapp.errors import StreamappError
    from streamapp.events import Cursor
    from streamapp.progress import Part, Progress, Run


class Aside(NamedTuple):
    """A part that could not be read: when it is tried again, and after what pause (seconds)."""

    not_before: float
    pause_s: float


class Expanding:
    """What was folded of the run last, and how far this worker has got since.

    ``state`` is the batch's and ``run`` the run's, without their bitmaps of outcomes. ``photos``
    are the indexes that the run does, None for all. ``waiting`` are the opened parts of which
    photos are to be queued, their cursors where this worker has got, which the fold learns a moment
    later; ``in_flight`` are the photos that were queued and are not known to be finished. ``lost``
    are the parts whose rest cannot be listed, and why. A run with a rate is queued for a second
    (one photo at least) at a time, and nothing of it before ``not_before``.
    """

    def __init__(self, partition: int, state: Progress, run: Run) -> None:
        self.partition = partition
        self.not_before = 0.0
        self.lost: dict[int, StreamappError] = {}
        self._cursors: dict[int, Cursor] = {}
        self._aside: dict[int, Aside] = {}
        self.fold(state, run)

    def fold(self, state: Progress, run: Run) -> None:
        """Note what was folded."""
        self.lane = lane(state.priority)  # where its next photos go
        self.photos = None if run.run == FIRST_RUN else progress.photos_of(state, run)
        self._done = progress.done(state, run)
        self.state = structs.replace(state, finished=b"", failed=b"", passed_over=b"", runs=())
        self.run = structs.replace(run, finished=b"", failed=b"", passed_over=b"", due=b"")
        self._count()

    def advance(self, part: Part, cursor: Cursor, now: float) -> None:
        """Note that the photos of a part before ``cursor`` are queued, or failed."""
        if self.run.rate:
            photos = self.photos_in(part, part.cursor.index, cursor.index)
            self.not_before = now + photos / self.run.rate
        self._cursors[part.first_index] = cursor
        self._aside.pop(part.first_index, None)
        self._count()

    def put_aside(self, part: Part, now: float) -> Aside:
        """Let a part wait, longer each time until it advances."""
        before = self._aside.get(part.first_index)
        pause_s = patience.longer(before.pause_s) if before else patience.FIRST_PAUSE_S
        self._aside[part.first_index] = aside = Aside(now + pause_s, pause_s)
        return aside

    def due(self, now: float) -> Part | None:
        """The first part that is waiting and not put aside."""
        if now < self.not_before:
            return None
        return next((part for part in self.waiting if self._may_be_tried(part, now)), None)

    def room_for(self, part: Part) -> int:
        """Photos of a part that are to be queued, as far as the rate lets them at once."""
        left = self.left(part, part.cursor)
        return min(left, max(1, int(self.run.rate))) if self.run.rate else left

    def photos_in(self, part: Part, start: int, end: int) -> int:
        """How many photos of a part from ``start`` to ``end`` (within it) the run does."""
        if self.photos is None:
            return end - start
        at = part.first_index
        return int(self.photos.range_cardinality(at + start, at + end))

    def left(self, part: Part, cursor: Cursor) -> int:
        """How many photos of a part from ``cursor`` on the run does."""
        return max(0, self.photos_in(part, cursor.index, part.photos or 0))

    def passing(self, part: Part, cursor: Cursor) -> Cursor:
        """``cursor``, moved to the part's end when the run does nothing of what follows."""
        if self.left(part, cursor):
            return cursor
        return structs.replace(cursor, index=max(cursor.index, part.photos or 0))

    def next_indexes(self, part: Part, photos: int) -> Sequence[int]:
        """The next so many photos of a part that the run does, as indexes within it."""
        start = part.cursor.index
        if self.photos is None:
            return range(start, start + photos)
        of_part = self.photos & BitMap(range(part.first_index + start, part.end))
        return [index - part.first_index for index in of_part[:photos]]

    def _may_be_tried(self, part: Part, now: float) -> bool:
        aside = self._aside.get(part.first_index)
        return aside is None or aside.not_before <= now

    def _count(self) -> None:
        opened = [self._advanced(part) for part in self.run.parts if part.photos is not None]
        queued = sum(self.photos_in(part, 0, part.cursor.index) for part in opened)
        self.in_flight = max(0, queued - self._done)
        self.waiting = [part for part in opened if self.left(part, part.cursor)]

    def _advanced(self, part: Part) -> Part:
        here = self._cursors.get(part.first_index, part.cursor)
        return structs.replace(part, cursor=here) if here.index > part.cursor.index else part
