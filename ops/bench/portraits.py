"""Portraits as customers have them: upright, 3:4, the face about a third of the height."""

from __future__ import annotations

import cv2
import numpy as np

from ops.bench.photos import as_camera_file, read_portrait, with_grain

FACE_MIDDLE = (224, 118)
FACE_HEIGHT = 111
"""Of the sample's portrait, in its pixels."""

GRAIN = 3.7
"""Levels of grain that make files of 0.2 bytes a pixel or a little more: of real portraits half
have more than 0.15 and a quarter more than 0.25."""


def make_portrait(seed: int, megapixels: float) -> bytes:
    """A JPEG that the sample's portrait fills, with the grain of a camera all over it."""
    rng = np.random.default_rng(seed)
    height = round(FACE_HEIGHT / rng.uniform(0.30, 0.37))
    part = cut_around_face(round(height * 3 / 4), height, down=rng.uniform(0.35, 0.45))
    if rng.random() < 0.5:
        part = cv2.flip(part, 1)
    rows = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    size = (round(rows * 3 / 4), rows)
    enlarged = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC)
    return as_camera_file(with_grain(enlarged, rng, GRAIN))


def cut_around_face(width: int, height: int, *, down: float) -> cv2.typing.MatLike:
    """A part of the sample's portrait, its face in the middle and ``down`` a share of the height.

    The face goes out of its place where the portrait ends.
    """
    portrait = read_portrait()
    left = _start(FACE_MIDDLE[0] - width / 2, width, portrait.shape[1])
    top = _start(FACE_MIDDLE[1] - height * down, height, portrait.shape[0])
    return portrait[top : top + height, left : left + width]


def _start(start: float, length: int, limit: int) -> int:
    return round(min(max(start, 0), limit - length))
