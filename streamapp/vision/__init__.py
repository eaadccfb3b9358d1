"""Photos to face crops; OpenCV lives only here.

`process` is the pure front door: bytes in, faces out, no files, no network. It may take long or
much memory on a hostile photo, so the stream calls it in child processes (see `children`).
"""

from __future__ import annotations

from functools import cache

import msgspec
import numpy as np

from streamapp.events import Face
from streamapp.vision.crop import cut, square_side, to_jpeg
from streamapp.vision.decode import Picture, decode, read_header, reduction_for
from streamapp.vision.detect import Detector, Found, read_model
from streamapp.vision.search import QUICK_PX, Sighting, search, turn, turned_back

__all__ = ["Faces", "FoundFace", "Options", "process", "read_model", "warm_up"]

SEARCHED_PX = 900
"""Long side that a photo is decoded at for the search: both steps of it gain nothing from more."""

ENOUGH = 0.95
"""Share of the crop's side that must be real pixels before a finer decode is worth its cost."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How photos are searched and cropped.

    ``padding`` is the share of the face's longer side around it, ``score_min`` the detector's
    least score (0 to 1), ``pixels_max`` the most pixels of a photo.
    """

    crop_px: int = 300
    padding: float = 0.20
    score_min: float = 0.6
    jpeg_quality: int = 90
    pixels_max: int = 150_000_000


class FoundFace(msgspec.Struct, frozen=True, kw_only=True):
    """A face and its crop, an upright square JPEG."""

    face: Face
    crop: bytes


class Faces(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a photo; ``width`` and ``height`` are of the upright original."""

    faces: tuple[FoundFace, ...]
    width: int
    height: int


DEFAULTS = Options()


def process(photo: bytes, options: Options = DEFAULTS) -> Faces:
    """Find and crop the face of a photo: the best one, or none.

    Raises:
        StreamappError: ``PHOTO_NOT_AN_IMAGE``, ``PHOTO_BROKEN``, ``PHOTO_TOO_MANY_PIXELS``.
    """
    header = read_header(photo, options.pixels_max)
    picture = decode(photo, header, reduction_for(header, SEARCHED_PX))
    sighting = search(_detector(), picture.pixels, options.score_min)
    if sighting is None:
        return Faces(faces=(), width=picture.width, height=picture.height)
    side = square_side(sighting.face, options.padding) * picture.scale
    wanted = reduction_for(header, _long_side_for(picture, side, options))
    finer = decode(photo, header, wanted) if wanted < picture.reduction else picture
    found = FoundFace(
        face=_face(picture, sighting),
        crop=_crop(finer, picture, sighting, options),
    )
    return Faces(faces=(found,), width=picture.width, height=picture.height)


def warm_up() -> None:
    """Load the model and run it once, so that the first photo does not pay for it."""
    _detector().find(np.zeros((QUICK_PX, QUICK_PX, 3), np.uint8), QUICK_PX, 1.0)


@cache
def _detector() -> Detector:
    return Detector()


def _long_side_for(picture: Picture, side: float, options: Options) -> float:
    """Long side of a decode in which a square of ``side`` original pixels fills the crop."""
    return ENOUGH * options.crop_px / side * max(picture.width, picture.height)


def _face(picture: Picture, sighting: Sighting) -> Face:
    """The face in whole pixels of the upright original, cut at its borders."""
    rows, columns = picture.pixels.shape[:2]
    upright = turned_back(sighting.face, sighting.turns, columns, rows)
    left, top = (max(0, round(value * picture.scale)) for value in (upright.x, upright.y))
    right = min(picture.width, round((upright.x + upright.width) * picture.scale))
    bottom = min(picture.height, round((upright.y + upright.height) * picture.scale))
    return Face(x=left, y=top, width=right - left, height=bottom - top, score=upright.score)


def _crop(finer: Picture, searched: Picture, sighting: Sighting, options: Options) -> bytes:
    """The crop out of ``finer``, of a face that was sighted in ``searched``."""
    zoom = searched.scale / finer.scale
    face = sighting.face
    zoomed = Found(face.x * zoom, face.y * zoom, face.width * zoom, face.height * zoom, face.score)
    pixels = turn(finer.pixels, sighting.turns)
    side = square_side(zoomed, options.padding)
    return to_jpeg(cut(pixels, zoomed, side, options.crop_px), options.jpeg_quality)
