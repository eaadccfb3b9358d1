"""All faces of a picture, the large ones as well as the small: it is searched in several sizes.

The network takes mouths and dresses for faces when it sees a face larger than it was made for, so a
finer search counts only for what a coarser one was too coarse for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamapp.vision.decode import Pixels
    from streamapp.vision.detect import Detector, Found
    from streamapp.vision.geometry import Box

LONG_SIDES = (320, 640, 1280)
"""From coarse to fine, in pixels; the first also for pictures that are smaller."""

FINE_FACE_MAX = 160
"""Longest side of a face in a finer search; a larger one has 80 in the coarser one before."""

OVERLAP_MAX = 0.4
"""Of two boxes, the most of the smaller one that may lie in the larger; more is the same face."""

PART_MAX = 2.5
"""How much larger a face may be than what is the same face and not a part of it."""


def find_all(detector: Detector, pixels: Pixels, score_min: float, sure: float) -> list[Found]:
    """The faces that a detector finds in any of the sizes, each once."""
    longest = max(pixels.shape[:2])
    kept: list[Found] = []
    for step, long_side in enumerate(LONG_SIDES):
        if step and (long_side / 2 >= longest or not detector.views):
            break
        found = detector.find(pixels, long_side, score_min)
        limit = FINE_FACE_MAX * longest / long_side
        for face in found:
            if not step or face.box.side <= limit:
                kept = _with(kept, face, sure)
    return kept


def _with(kept: list[Found], face: Found, sure: float) -> list[Found]:
    """The faces and a further one, or the better of it and those that are the same.

    Of two of a size the later is better, whose box was drawn finer; a part of one is no face.
    """
    same = [other for other in kept if _overlap(other.box, face.box) > OVERLAP_MAX]
    parts = [other for other in same if other.area > PART_MAX * face.area]
    if any(other.score >= min(face.score, sure) for other in parts):
        return kept
    if any(min(other.score, sure) > face.score for other in same):
        return kept
    return [other for other in kept if other not in same] + [face]


def _overlap(one: Box, other: Box) -> float:
    """The share of the smaller box that lies in the larger."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return max(0.0, across) * max(0.0, down) / max(smaller, 1e-9)
