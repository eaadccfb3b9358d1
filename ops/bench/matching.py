"""Faces that were found against faces that were labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from streamapp.vision.geometry import Box


class Matches(NamedTuple):
    """Faces found rightly, found where none is labelled, and labelled but not found."""

    right: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 1 when nothing was found."""
        found = self.right + self.false
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        """Share of what is labelled that was found."""
        return self.right / (self.right + self.missed)


def match(found: Sequence[Box], labelled: Sequence[Box], overlap_min: float) -> Matches:
    """Each labelled box is found once at most; ``found`` goes in its order, best first."""
    left = list(labelled)
    for box in found:
        nearest = max(left, key=lambda label: overlap(box, label), default=None)
        if nearest is not None and overlap(box, nearest) >= overlap_min:
            left.remove(nearest)
    right = len(labelled) - len(left)
    return Matches(right, len(found) - right, len(left))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, across) * max(0.0, down)
    return shared / (one.width * one.height + other.width * other.height - shared)
