"""Decode a photo upright, at the smallest scale that serves, never above the limit of pixels.

JPEG alone can be decoded at 1/8, 1/4 and 1/2 for a fraction of the work. OpenCV applies the EXIF
orientation itself, in every format, and decodes nothing of a file that is cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from streamapp.errors import Code, StreamappError
from streamapp.vision.header import Header, read_header, too_many_pixels
from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    """Rows, columns, BGR."""

__all__ = ["Picture", "decode", "read_header", "reduction_for"]

_FLAGS = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    1: cv2.IMREAD_COLOR,
}


class Picture(NamedTuple):
    """A decoded photo: upright pixels, and the size of the upright original they stand for."""

    pixels: Pixels
    width: int
    height: int
    reduction: int

    @property
    def scale(self) -> float:
        """Pixels of the original per pixel here."""
        rows, columns = self.pixels.shape[:2]
        return float(max(self.width, self.height) / max(rows, columns))


def reduction_for(header: Header, long_side: float) -> int:
    """The largest reduction (8, 4, 2, 1) that leaves the long side at ``long_side`` pixels."""
    return next(by for by in _FLAGS if by == 1 or _serves(header, by, long_side))


def decode(photo: bytes, header: Header, reduction: int) -> Picture:
    """The picture, upright, a ``reduction``-th of its size (1, 2, 4 or 8).

    Raises:
        StreamappError: ``PHOTO_BROKEN``; ``PHOTO_TOO_MANY_PIXELS`` when the header lied.
        MemoryError: the process may not have as much as the picture takes.
    """
    pixels = _imdecode(photo, header, _FLAGS[reduction])
    width, height = header.width, header.height
    if pixels.shape[:2] != (_reduced(height, reduction), _reduced(width, reduction)):
        width, height = height, width  # the EXIF orientation turned it
    return Picture(pixels, width, height, reduction)


def _serves(header: Header, reduction: int, long_side: float) -> bool:
    across, down = _reduced(header.width, reduction), _reduced(header.height, reduction)
    # A reduced picture must still show whether it was turned.
    told_apart = across != down or header.width == header.height
    return header.format == "JPEG" and told_apart and max(across, down) >= long_side


def _reduced(length: int, reduction: int) -> int:
    return -(-length // reduction)


def _imdecode(photo: bytes, header: Header, flags: int) -> Pixels:
    try:
        pixels: Any = cv2.imdecode(np.frombuffer(photo, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(error.err) from None
        if error.func == "validateInputImageSize":
            raise too_many_pixels(header) from None
        raise StreamappError(Code.PHOTO_BROKEN, f"{header.format}: {error.err}") from None
    if pixels is None:
        raise StreamappError(Code.PHOTO_BROKEN, header.format)
    return pixels  # type: ignore[no-any-return] # 8 bits a channel, by the flags
