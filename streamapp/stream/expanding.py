"""A batch whose photos are not all finished, as the worker that expands it knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from streamapp.stream import patience
from streamapp.topics import lane

if TYPE_CHECKING:
    from streamapp.errors import StreamappError
    from streamapp.events import Cursor
    from streamapp.progress import Part, Progress
    from streamapp.topics import Lane


class Aside(NamedTuple):
    """A part that could not be read: when it is tried again, and after what pause (seconds)."""

    not_before: float
    pause_s: float


class Expanding:
    """What was folded of the batch last, and how far this worker has got since.

    ``state`` is without its bitmaps of outcomes. ``waiting`` are the opened parts that are not
    queued to their end, their cursors where this worker has got, which the fold learns a moment
    later; ``in_flight`` are the photos that were queued and are not known to be finished. ``lost``
    are the parts whose rest cannot be listed, and why.
    """

    def __init__(self, partition: int, state: Progress) -> None:
        self.partition = partition
        self.lost: dict[int, StreamappError] = {}
        self._cursors: dict[int, Cursor] = {}
        self._aside: dict[int, Aside] = {}
        self.fold(state)

    @property
    def lane(self) -> Lane:
        """Where its next photos go."""
        return lane(self.state.priority)

    def fold(self, state: Progress) -> None:
        """Note what was folded."""
        self.state = structs.replace(state, finished=b"", failed=b"", passed_over=b"")
        self._count()

    def advance(self, part: Part, cursor: Cursor) -> None:
        """Note that the photos of a part before ``cursor`` are queued, or failed."""
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
        return next((part for part in self.waiting if self._may_be_tried(part, now)), None)

    def _may_be_tried(self, part: Part, now: float) -> bool:
        aside = self._aside.get(part.first_index)
        return aside is None or aside.not_before <= now

    def _count(self) -> None:
        opened = [self._advanced(part) for part in self.state.parts if part.photos is not None]
        queued = sum(part.cursor.index for part in opened)
        self.in_flight = max(0, queued - self.state.processed)
        self.waiting = [part for part in opened if not part.is_queued]

    def _advanced(self, part: Part) -> Part:
        here = self._cursors.get(part.first_index, part.cursor)
        return structs.replace(part, cursor=here) if here.index > part.cursor.index else part
