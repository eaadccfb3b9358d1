"""A second look at a face: it alone, as large as the network sees best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.vision import crop
from streamapp.vision.options import Options

if TYPE_CHECKING:
    from streamapp.vision.decode import Picture
    from streamapp.vision.detect import Detector, Found
    from streamapp.vision.geometry import Box

CLOSE_PX = 320
"""Side of what is looked at; that costs 2 ms."""

_SCORE_MIN = 0.3


def closeup(
    detector: Detector,
    picture: Picture,
    face: Box,
    *,
    padding: float,
    turns: int = 0,
    tilt: float = 0.0,
    size: tuple[int, int],
) -> Found | None:
    """What is found where a face is supposed to be, in pixels of the close-up; the best of it.

    ``face`` is in pixels of the upright original turned ``turns`` quarters counter-clockwise,
    which is of ``size`` (width, height) then. ``padding`` is the share of the face around it,
    ``tilt`` what it is turned by to be level.
    """
    options = Options(crop_width=CLOSE_PX, crop_height=CLOSE_PX, padding=padding)
    frame = crop.frame(face, turns, tilt, size, options)
    seen = detector.find(crop.cut(picture, frame, options), CLOSE_PX, _SCORE_MIN)
    return max(seen, key=lambda found: found.rank, default=None)
