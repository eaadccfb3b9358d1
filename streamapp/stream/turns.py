"""Turns: whose photos are queued next, and how many. No I/O; one event to wait for.

Of the photos that are queued and not finished yet, the batches of a lane that this worker expands
share a window; each has at least a run, and the lane twice the window at most, so a batch that
joins need not wait for the photos of those before it to drain. Whoever had its turn goes to the
end of the ring.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from streamapp.archive import RUN_PHOTOS
from streamapp.topics import lane

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamapp.errors import StreamappError
    from streamapp.events import Cursor
    from streamapp.progress import Part, Progress
    from streamapp.topics import Lane

PIECE_PHOTOS = 256
"""Photos that are published together, and at most published again after a kill."""


@dataclass(slots=True)
class Expanding:
    """A batch whose photos are not all finished, as the worker that expands it knows it.

    ``state`` is what was folded last, without its bitmaps; ``cursors`` by part say how far this
    worker has got, which the fold learns a moment later; ``lost`` are the parts whose rest cannot
    be listed, and why.
    """

    partition: int
    state: Progress
    cursors: dict[int, Cursor] = field(default_factory=dict)
    lost: dict[int, StreamappError] = field(default_factory=dict)

    @property
    def lane(self) -> Lane:
        """Where its next photos go."""
        return lane(self.state.priority)

    @property
    def parts(self) -> list[Part]:
        """Its opened parts, their cursors where this worker has got."""
        return [self._advanced(part) for part in self.state.parts if part.photos is not None]

    @property
    def in_flight(self) -> int:
        """Photos that were queued and are not known to be finished."""
        return max(0, sum(part.cursor.index for part in self.parts) - self.state.processed)

    def _advanced(self, part: Part) -> Part:
        here = self.cursors.get(part.first_index, part.cursor)
        return structs.replace(part, cursor=here) if here.index > part.cursor.index else part


class Turn(NamedTuple):
    """``photos`` of a part are to be queued, from its cursor on."""

    batch: Expanding
    part: Part
    photos: int


class Turns:
    """The batches that this worker expands, in the order of their turns."""

    def __init__(self, *, window_photos: int) -> None:
        self.changed = asyncio.Event()
        self._window_photos = window_photos
        self._ring: dict[str, Expanding] = {}

    def put(self, partition: int, state: Progress) -> None:
        """Note what was folded; a batch that ended or was cancelled loses its turn at once."""
        if state.is_complete or state.cancelled_at:
            self._ring.pop(state.batch, None)
        else:
            kept = structs.replace(state, finished=b"", failed=b"")
            self._ring.setdefault(state.batch, Expanding(partition, kept)).state = kept
        self.changed.set()

    def clear(self) -> None:
        """Forget all: the partitions are given away, or were recovered anew."""
        self._ring.clear()
        self.changed.set()

    def has(self, batch: Expanding) -> bool:
        """Whether the batch is still to be expanded here."""
        return self._ring.get(batch.state.batch) is batch

    def partitions(self) -> set[int]:
        """The partitions of the batches."""
        return {each.partition for each in self._ring.values()}

    def next(self, may: Callable[[int], bool]) -> Turn | None:
        """The next turn of a batch whose partition ``may``; None when none has room."""
        batches: Counter[Lane] = Counter()
        in_flight: Counter[Lane] = Counter()
        for each in self._ring.values():
            batches[each.lane] += 1
            in_flight[each.lane] += each.in_flight
        for name, each in self._ring.items():
            part = next((p for p in each.parts if p.cursor.index < (p.photos or 0)), None)
            if part is None or not may(each.partition):
                continue
            photos = piece_photos(
                left=(part.photos or 0) - part.cursor.index,
                share=max(RUN_PHOTOS, self._window_photos // batches[each.lane]),
                in_flight=each.in_flight,
                lane_room=2 * self._window_photos - in_flight[each.lane],
            )
            if photos:
                self._ring[name] = self._ring.pop(name)
                return Turn(each, part, photos)
        return None


def piece_photos(*, left: int, share: int, in_flight: int, lane_room: int) -> int:
    """Photos of the next piece of a part with ``left`` to go; 0 while it is not worth one.

    Whole runs, but for the last piece, so that neighbours stay together.
    """
    room = share - in_flight
    if room < min(left, PIECE_PHOTOS, max(RUN_PHOTOS, share // 2)):
        return 0
    photos = min(left, PIECE_PHOTOS, room, lane_room)
    return photos if photos == left else max(0, photos // RUN_PHOTOS * RUN_PHOTOS)
