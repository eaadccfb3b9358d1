"""Boxes and points between the turns and scales of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]


class Box(NamedTuple):
    """Left, top, width and height, in pixels of some picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Point:
        """The point in the middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def side(self) -> float:
        """The longer side."""
        return max(self.width, self.height)

    def scaled(self, factor: float) -> Box:
        """The same box in a picture that is ``factor`` times as large."""
        return Box(*(value * factor for value in self))

    def within(self, width: float, height: float) -> Box:
        """The part of the box that lies in a picture of this size."""
        left, top = max(0.0, self.x), max(0.0, self.y)
        right, bottom = min(width, self.x + self.width), min(height, self.y + self.height)
        return Box(left, top, max(0.0, right - left), max(0.0, bottom - top))


def around(middle: Point, width: float, height: float) -> Box:
    """The box of this size around a point."""
    return Box(middle[0] - width / 2, middle[1] - height / 2, width, height)


def shifted_inside(box: Box, width: float, height: float) -> Box:
    """The box moved into a picture of this size; in its middle where it does not fit."""
    return box._replace(x=_start(box.x, box.width, width), y=_start(box.y, box.height, height))


def _start(start: float, length: float, limit: float) -> float:
    return (limit - length) / 2 if length >= limit else min(max(start, 0.0), limit - length)


def point_turned_back(point: Point, turns: int, width: float, height: float) -> Point:
    """A point of a picture that was turned by quarters counter-clockwise, before the turns.

    ``width`` and ``height`` are of the picture before them.
    """
    x, y = point
    return ((x, y), (width - y, x), (width - x, height - y), (y, height - x))[turns]


def turned_back(box: Box, turns: int, width: float, height: float) -> Box:
    """A box of a picture that was turned by quarters counter-clockwise, before the turns."""
    ends = ((box.x, box.y), (box.x + box.width, box.y + box.height))
    (x1, y1), (x2, y2) = (point_turned_back(end, turns, width, height) for end in ends)
    return Box(min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1))


def hull(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of them."""
    left = min(box.x for box in boxes)
    top = min(box.y for box in boxes)
    right = max(box.x + box.width for box in boxes)
    bottom = max(box.y + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)
