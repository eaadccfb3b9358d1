"""Photos to face crops; OpenCV lives only here.

`process` is the pure front door: bytes in, faces out, no files, no network. It may take long or
much memory on a hostile photo, so the stream calls it in child processes (see `children`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from streamapp.events import Face
from streamapp.vision import crop, crowd, decode, quality, search, tilt
from streamapp.vision.detect import detector
from streamapp.vision.geometry import around, hull
from streamapp.vision.network import read_model
from streamapp.vision.opencv import lack_of_memory_told
from streamapp.vision.options import DEFAULTS, Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamapp.events import Rejected
    from streamapp.vision.decode import Picture
    from streamapp.vision.detect import Found
    from streamapp.vision.geometry import Box
    from streamapp.vision.header import Header
    from streamapp.vision.search import Sighting

__all__ = ["DEFAULTS", "Faces", "FoundFace", "Options", "process", "read_model", "warm_up"]

SEARCHED_PX = 900
"""Long side that a photo is decoded at to find one face: the steps gain nothing from more."""

ENOUGH = 0.95
"""Share of the crop's side that must be real pixels before a finer decode is worth its cost."""


class FoundFace(msgspec.Struct, frozen=True, kw_only=True):
    """A face and its crop, an upright picture in the format of the options; None when rejected."""

    face: Face
    crop: bytes | None
    rejected: Rejected | None = None


class Faces(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a photo, best first; ``width`` and ``height`` are the upright original's.

    "Best" is area × score².
    """

    faces: tuple[FoundFace, ...]
    width: int
    height: int


def process(photo: bytes, options: Options = DEFAULTS) -> Faces:
    """Find and crop the faces of a photo.

    Raises:
        StreamappError: ``PHOTO_NOT_AN_IMAGE``, ``PHOTO_BROKEN``, ``PHOTO_TOO_MANY_PIXELS``.
        MemoryError: the process may not have as much as the photo takes.
    """
    with lack_of_memory_told():
        return _processed(photo, options)


def _processed(photo: bytes, options: Options) -> Faces:
    header = decode.read_header(photo, options.pixels_max)
    one = options.faces_max == 1
    long_side = SEARCHED_PX if one else crowd.LONG_SIDES[-1]
    decoded = decode.decode(photo, header, decode.reduction_for(header, long_side))
    searched = decode.shrunk(decoded, long_side)
    sightings = search.search(detector(options.detector), searched, options)
    sighted = [_sighted(searched, sighting, options) for sighting in sightings[: options.faces_max]]
    picture = _fine_enough(photo, header, decoded, sighted, options)
    return Faces(
        faces=tuple(_cropped(picture, each, options) for each in sighted),
        width=searched.width,
        height=searched.height,
    )


def warm_up(options: Options = DEFAULTS) -> None:
    """Load the model and run it once, so that the first photo does not pay for it."""
    detector(options.detector).find(
        np.zeros((search.QUICK_PX, search.QUICK_PX, 3), np.uint8), search.QUICK_PX, 1.0
    )


class _Sighted(NamedTuple):
    """A face in pixels of the original turned ``turns`` quarters, which is of ``size`` then.

    ``frame`` is what its crop shows, but for any levelling.
    """

    found: Found
    turns: int
    size: tuple[int, int]
    frame: crop.Frame


def _sighted(searched: Picture, sighting: Sighting, options: Options) -> _Sighted:
    face, turns = sighting
    size = searched.width, searched.height
    turned_size = size if turns % 2 == 0 else size[::-1]
    enlarged = face.scaled(searched.reduction)
    frame = crop.frame(enlarged.box, turns, 0.0, turned_size, options)
    return _Sighted(enlarged, turns, turned_size, frame)


def _fine_enough(
    photo: bytes,
    header: Header,
    decoded: Picture,
    sighted: Sequence[_Sighted],
    options: Options,
) -> Picture:
    """A picture in which no crop loses pixels: the one at hand, or a part of a finer one."""
    if not sighted:
        return decoded
    narrowest = min(each.frame.width for each in sighted)
    finest = narrowest / (ENOUGH * options.crop_width)
    reduction = next((by for by in (8, 4, 2) if by <= finest), 1)
    if reduction >= decoded.reduction:
        return decoded
    needed = hull([_needed(each, options) for each in sighted])
    return decode.decode_part(photo, header, reduction, needed)


def _needed(sighted: _Sighted, options: Options) -> Box:
    """The part of the upright original that the crop of a face may show, however it is tilted."""
    frame = sighted.frame
    if not options.tilt_matters:
        return frame.box
    shift = 2 * options.padding * sighted.found.box.side
    diagonal = math.hypot(frame.width, frame.height) + 2 * shift
    return around(frame.middle, diagonal, diagonal)


def _cropped(picture: Picture, sighted: _Sighted, options: Options) -> FoundFace:
    found, turns, size, frame = sighted
    tilted = None
    if options.tilt_matters:
        tilted = tilt.measure(detector(options.detector), picture, found.box, turns, size)
    if options.level and tilted:
        frame = crop.frame(found.box, turns, tilted, size, options)
    pixels = crop.cut(picture, frame, options)
    figures = quality.measure(pixels, tilted)
    rejected = quality.judge(figures, options)
    return FoundFace(
        face=_face(picture, found.turned_back(turns, picture.width, picture.height), figures),
        crop=None if rejected else crop.encode(pixels, options),
        rejected=rejected,
    )


def _face(picture: Picture, found: Found, figures: quality.Quality) -> Face:
    """The face in whole pixels of the upright original, cut at its borders."""
    box = found.box.within(picture.width, picture.height)
    left, top = round(box.x), round(box.y)
    return Face(
        x=left,
        y=top,
        width=round(box.x + box.width) - left,
        height=round(box.y + box.height) - top,
        score=found.score,
        landmarks=tuple((round(x), round(y)) for x, y in found.landmarks),
        sharpness=round(figures.sharpness, 1),
        brightness=round(figures.brightness, 1),
        tilt=None if figures.tilt is None else round(figures.tilt, 1),
    )
