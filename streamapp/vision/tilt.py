"""How far a face is tilted: by landmarks that are looked at closely.

In a face of 50 pixels, as the search sees it, the network draws the landmarks towards those of an
upright one: it tells 4 degrees of 25. In a face that fills 320 pixels it tells 16, and what is left
when the face is turned by that, at the next look. Three looks come within a degree or two.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from streamapp.vision.closeup import closeup

if TYPE_CHECKING:
    from streamapp.vision.decode import Picture
    from streamapp.vision.detect import Detector
    from streamapp.vision.geometry import Box, Point

LOOKS = 3
LEVEL = 1.5
"""Degrees of which no further look is worth its cost."""


def measure(
    detector: Detector, picture: Picture, face: Box, turns: int, size: tuple[int, int]
) -> float | None:
    """Degrees by which the line through the eyes falls to the right; None if none are seen.

    ``face`` is in pixels of the upright original turned ``turns`` quarters counter-clockwise,
    which is of ``size`` (width, height) then.
    """
    told: float | None = None
    for _ in range(LOOKS):
        seen = closeup(
            detector, picture, face, padding=0.0, turns=turns, tilt=told or 0.0, size=size
        )
        if seen is None or not seen.landmarks:
            break
        rest = _fall(seen.landmarks)
        told = (told or 0.0) + rest
        if abs(rest) < LEVEL:
            break
    return told


def _fall(landmarks: tuple[Point, ...]) -> float:
    (right_x, right_y), (left_x, left_y) = landmarks[:2]
    return math.degrees(math.atan2(left_y - right_y, left_x - right_x))
