"""The search for the face of a picture: small first, then finer, then lying and upside down.

Most photos end at the first step, which costs about 2 ms; only what seems to hold no face pays
for the others. A face that is found in a turned picture stays in its coordinates there, with the
turns that led to it, so that its crop can be upright.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from streamapp.vision.detect import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.vision.decode import Pixels
    from streamapp.vision.detect import Detector

QUICK_PX = 320
FINE_PX = 640

SURE = 0.9
"""The network sees faces that lie, too, but with less than this; then the other turns compete."""

_STEPS = ((0, QUICK_PX), (0, FINE_PX), (1, QUICK_PX), (3, QUICK_PX), (2, QUICK_PX))
"""Quarter turns counter-clockwise and the long side that is searched, in pixels."""


class Sighting(msgspec.Struct, frozen=True):
    """A face in pixels of the picture turned ``turns`` quarters counter-clockwise."""

    face: Found
    turns: int


def search(detector: Detector, pixels: Pixels, score_min: float) -> Sighting | None:
    """The best face (area × score²) of the first step that is sure, else of the best step."""
    weak: list[Sighting] = []
    for turned, turns, long_side in _views(pixels):
        if found := detector.find(turned, long_side, score_min):
            best = max(found, key=lambda face: face.width * face.height * face.score**2)
            if best.score >= SURE:
                return Sighting(best, turns)
            weak.append(Sighting(best, turns))
    return max(weak, key=lambda sighting: sighting.face.score, default=None)


def _views(pixels: Pixels) -> Iterator[tuple[Pixels, int, int]]:
    for turns, long_side in _STEPS:
        yield turn(pixels, turns), turns, long_side


def turn(pixels: Pixels, turns: int) -> Pixels:
    """The picture turned by quarters counter-clockwise."""
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def turned_back(face: Found, turns: int, width: float, height: float) -> Found:
    """A face of a turned picture in coordinates of the upright one, ``width`` × ``height``."""
    x, y, w, h = face.x, face.y, face.width, face.height
    match turns:
        case 1:
            x, y, w, h = width - (y + h), x, h, w
        case 2:
            x, y = width - (x + w), height - (y + h)
        case 3:
            x, y, w, h = y, height - (x + w), h, w
    return Found(x, y, w, h, face.score)
