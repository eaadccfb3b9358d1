"""What a lane carries, and whose turn in it is next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamapp.archive import RUN_PHOTOS

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamapp.progress import Part
    from streamapp.stream.expanding import Expanding

PIECE_PHOTOS = 256
"""Photos that are published together, and at most published again after a kill."""


class Turn(NamedTuple):
    """``photos`` of a part are to be queued, from its cursor on; only those that the run does."""

    batch: Expanding
    part: Part
    photos: int


class Load:
    """The batches of a lane and the photos of them that are in flight."""

    def __init__(self, window_photos: int) -> None:
        self._window_photos = max(RUN_PHOTOS, window_photos)
        self._batches = 0
        self._in_flight = 0
        self._ring: dict[Expanding, None] = {}

    def enter(self, batch: Expanding) -> None:
        """Count a batch; one that waits keeps its place in the ring, or comes to its end."""
        self._batches += 1
        self._in_flight += batch.in_flight
        if batch.waiting:
            self._ring.setdefault(batch)

    def leave(self, batch: Expanding) -> None:
        """Count a batch no more, to be called before it changes; its place is kept."""
        self._batches -= 1
        self._in_flight -= batch.in_flight

    def forget(self, batch: Expanding) -> None:
        """Give a batch's place away."""
        self._ring.pop(batch, None)

    def next(self, may: Callable[[int], bool], now: float) -> Turn | None:
        """The next turn of a batch whose partition ``may``; None when none has room."""
        room = 2 * self._window_photos - self._in_flight
        if room < RUN_PHOTOS:
            return None
        share = max(RUN_PHOTOS, self._window_photos // max(1, self._batches))
        for each in self._ring:
            part = each.due(now)
            if part is None or not may(each.partition):
                continue
            left = each.room_for(part)
            photos = piece_photos(left=left, share=share, in_flight=each.in_flight, lane_room=room)
            if photos:
                self._ring[each] = self._ring.pop(each)
                return Turn(each, part, photos)
        return None


def piece_photos(*, left: int, share: int, in_flight: int, lane_room: int) -> int:
    """Photos of the next piece of a part with ``left`` to go now; 0 while it is not worth one.

    Whole runs, but for the last piece, so that neighbours stay together.
    """
    room = share - in_flight
    if room < min(left, PIECE_PHOTOS, max(RUN_PHOTOS, share // 2)):
        return 0
    photos = min(left, PIECE_PHOTOS, room, lane_room)
    return photos if photos == left else max(0, photos // RUN_PHOTOS * RUN_PHOTOS)
