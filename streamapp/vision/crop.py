"""A face to a square picture: around its middle, shifted or padded at borders, never stretched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamapp.errors import Code, StreamappError
from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from streamapp.vision.decode import Pixels
    from streamapp.vision.detect import Found


def square_side(face: Found, padding: float) -> float:
    """Side of the square around a face, with ``padding`` of the face's longer side all around."""
    return (1 + 2 * padding) * max(face.width, face.height)


def cut(pixels: Pixels, face: Found, side: float, crop_px: int) -> Pixels:
    """The square of ``side`` pixels around the face's middle, resized to ``crop_px``.

    It is shifted to lie inside the picture. Where the picture is smaller than the square, its edge
    is repeated: a black frame would draw the eye and darken the mean of the crop.
    """
    height, width = pixels.shape[:2]
    size = max(1, round(side))
    left = _start(face.x + face.width / 2, size, width)
    top = _start(face.y + face.height / 2, size, height)
    square: Any = pixels[max(top, 0) : top + size, max(left, 0) : left + size]
    if square.shape[:2] != (size, size):
        square = cv2.copyMakeBorder(
            square,
            max(-top, 0),
            max(top + size - height, 0),
            max(-left, 0),
            max(left + size - width, 0),
            cv2.BORDER_REPLICATE,
        )
    how = cv2.INTER_AREA if size > crop_px else cv2.INTER_LINEAR
    resized: Pixels = cv2.resize(square, (crop_px, crop_px), interpolation=how)
    return resized


def to_jpeg(pixels: Pixels, quality: int) -> bytes:
    """The picture as a JPEG, without any metadata of the photo it is from."""
    done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise StreamappError(Code.INTERNAL, "the crop cannot be encoded")
    return bytes(encoded)


def _start(middle: float, size: int, limit: int) -> int:
    """Where a span of ``size`` around ``middle`` starts, inside 0 to ``limit`` if it fits."""
    if size >= limit:
        return (limit - size) // 2
    return min(max(round(middle - size / 2), 0), limit - size)
