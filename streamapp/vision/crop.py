"""A face to its crop: around its middle, shifted or padded at borders, never stretched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from streamapp.errors import Code, StreamappError
from streamapp.vision.geometry import Box, Point, around, point_turned_back, shifted_inside
from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from streamapp.vision.decode import Picture, Pixels
    from streamapp.vision.options import CropFormat, Options

SUFFIXES: dict[CropFormat, str] = {"jpeg": "jpg", "webp": "webp", "png": "png"}

_QUALITY = {"jpeg": cv2.IMWRITE_JPEG_QUALITY, "webp": cv2.IMWRITE_WEBP_QUALITY}
_MARGIN_PX = 2
"""Around what a crop shows, for the interpolation at its edge."""


class Frame(NamedTuple):
    """What a crop shows: ``width`` × ``height`` pixels of the upright original around ``middle``.

    It is turned by ``angle`` degrees counter-clockwise: quarters to stand, the rest to be level.
    """

    middle: Point
    width: float
    height: float
    angle: float

    @property
    def box(self) -> Box:
        """The part of the upright original that is needed."""
        turned = math.radians(self.angle)
        cosine, sine = abs(math.cos(turned)), abs(math.sin(turned))
        return around(
            self.middle,
            self.width * cosine + self.height * sine,
            self.width * sine + self.height * cosine,
        )


def frame(face: Box, turns: int, tilt: float, size: tuple[float, float], options: Options) -> Frame:
    """The frame of a face in the picture turned ``turns`` quarters counter-clockwise.

    ``size`` is the width and height of that picture, ``tilt`` what the face is to be turned by.
    """
    shape = options.crop_width / options.crop_height
    side = (1 + 2 * options.padding) * face.side
    level = Frame(face.middle, side * max(1.0, shape), side / min(1.0, shape), tilt)
    x, y = shifted_inside(level.box, *size).middle
    if tilt:
        # Never so far that the face would be cut.
        reach = options.padding * face.side
        x = min(max(x, face.middle[0] - reach), face.middle[0] + reach)
        y = min(max(y, face.middle[1] - reach), face.middle[1] + reach)
    before = size if turns % 2 == 0 else size[::-1]
    middle = point_turned_back((x, y), turns, *before)
    return level._replace(middle=middle, angle=90.0 * turns + tilt)


def cut(picture: Picture, wanted: Frame, options: Options) -> Pixels:
    """The crop of a frame that lies in the picture's part, or reaches beyond the whole picture.

    It is halved as often as that goes, then interpolated: OpenCV is quick at both. Where the
    picture ends, its edge is repeated: a black frame would draw the eye and darken the mean.
    """
    width, height = options.crop_width, options.crop_height
    fineness = wanted.width / width / picture.reduction
    halvings = max(0, math.floor(math.log2(fineness)))
    grain = picture.reduction << halvings
    patch, left, top = _patch(picture, wanted.box.scaled(1 / picture.reduction), 1 << halvings)
    # Pixels count from the middle of the first one.
    at_x = wanted.middle[0] / grain - left - 0.5
    at_y = wanted.middle[1] / grain - top - 0.5
    matrix: Any = cv2.getRotationMatrix2D((at_x, at_y), wanted.angle, width * grain / wanted.width)
    matrix[:, 2] += (width - 1) / 2 - at_x, (height - 1) / 2 - at_y
    crop: Any = cv2.warpAffine(
        patch, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return crop  # type: ignore[no-any-return] # the same kind of pixels


def encode(pixels: Pixels, options: Options) -> bytes:
    """The crop as a file, without any metadata of the photo it is from.

    Raises:
        StreamappError: ``INTERNAL``.
    """
    flag = _QUALITY.get(options.crop_format)
    done, encoded = cv2.imencode(
        f".{SUFFIXES[options.crop_format]}",
        pixels,
        [] if flag is None else [flag, options.crop_quality],
    )
    if not done:
        raise StreamappError(Code.INTERNAL, "the crop cannot be encoded")
    return bytes(encoded)


def _patch(picture: Picture, box: Box, by: int) -> tuple[Pixels, int, int]:
    """The pixels that hold a box, ``by`` times smaller, and where they lie: left and top."""
    rows, columns = picture.pixels.shape[:2]
    left, right = _span(box.x, box.width, picture.left, picture.left + columns, by)
    top, bottom = _span(box.y, box.height, picture.top, picture.top + rows, by)
    patch: Any = picture.pixels[
        top - picture.top : bottom - picture.top, left - picture.left : right - picture.left
    ]
    if by > 1:
        size = max(1, (right - left) // by), max(1, (bottom - top) // by)
        patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)
    return patch, left // by, top // by


def _span(start: float, length: float, first: int, behind: int, by: int) -> tuple[int, int]:
    """The pixels from ``first`` on that hold a stretch and some more, in whole steps of ``by``."""
    low = max(math.floor(start / by - _MARGIN_PX) * by, -(-first // by) * by)
    high = min(math.ceil((start + length) / by + _MARGIN_PX) * by, behind)
    high = low + (high - low) // by * by
    return (low, high) if high > low else (first, behind)
