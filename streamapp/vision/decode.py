"""Decode a photo upright, at the smallest scale that serves, never above the limit of pixels.

JPEG and JPEG 2000 can be decoded at 1/8, 1/4 and 1/2 for a fraction of the work, and of a JPEG that
is not progressive only the rows down to those that are wanted. OpenCV decodes all formats but HEIC
(`heic`), AVIF (`avif`) and JPEG 2000 made smaller (`jpeg_2000`). Orientations are applied by what
decodes; but that of a JPEG here, to the part alone, and that of an AVIF, which nothing else does.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from streamapp.errors import Code, StreamappError
from streamapp.vision import memory_file, orientation, png
from streamapp.vision.header import Header, read_header, too_many_pixels
from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamapp.vision.geometry import Box

    Pixels = NDArray[np.uint8]
    """Rows, columns, BGR."""

__all__ = ["Picture", "decode", "decode_part", "read_header", "reduction_for", "shrunk"]

_FLAGS = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    1: cv2.IMREAD_COLOR,
}

_SCALED = {"JPEG", "JPEG 2000"}

_ROWS_BELOW = 32
"""Rows decoded below those wanted: a block, and what smooths its colours."""

_WORTH = 0.9
"""Share of the rows above which leaving out the others gains nothing."""


class Picture(NamedTuple):
    """Upright pixels, ``reduction`` times smaller than the original of ``width`` × ``height``.

    They may be a part of it: ``left`` and ``top`` tell where it lies, in pixels as they are here.
    """

    pixels: Pixels
    width: int
    height: int
    reduction: int
    left: int = 0
    top: int = 0


def reduction_for(header: Header, long_side: float) -> int:
    """The largest reduction (8, 4, 2, 1) that leaves the long side at ``long_side`` pixels."""
    if header.format not in _SCALED:
        return 1
    longest = max(header.width, header.height)
    return next(
        by
        for by in _FLAGS
        if by == 1 or (_reduced(longest, by) >= long_side and _is_offered(header, by))
    )


def _is_offered(header: Header, by: int) -> bool:
    """Pillow rounds to the nearest where JPEG 2000 rounds up, and then has no place for it."""
    fitting = {0, *range(by // 2, by)}
    return header.format == "JPEG" or {header.width % by, header.height % by} <= fitting


def decode(photo: bytes, header: Header, reduction: int) -> Picture:
    """The picture, upright, a ``reduction``-th of its size (1, 2, 4 or 8).

    Raises:
        StreamappError: ``PHOTO_BROKEN``; ``PHOTO_TOO_MANY_PIXELS`` when the header lied.
        MemoryError: the process may not have as much as the picture takes.
    """
    pixels = _decoded(photo, header, reduction)
    if pixels.shape[:2] == (header.height, header.width):
        reduction = 1  # a lossless JPEG (SOF3) has no smaller scales, nor has every JPEG 2000
    pixels = orientation.upright(pixels, header.orientation)
    if header.format not in _SCALED:
        height, width = pixels.shape[:2]
        return Picture(pixels, width, height, reduction)
    return Picture(pixels, *_upright_size(header), reduction)


def shrunk(picture: Picture, long_side: float) -> Picture:
    """The picture as many whole times smaller as leave the long side at ``long_side`` pixels.

    What cannot be decoded smaller is searched smaller all the same: its copies would take memory.
    """
    rows, columns = picture.pixels.shape[:2]
    by = math.floor(max(rows, columns) / long_side)
    if by < 2 or min(rows, columns) < by:  # noqa: PLR2004 - nothing to do
        return picture
    down, across = rows // by, columns // by
    whole = picture.pixels[: down * by, : across * by]
    pixels: Any = cv2.resize(whole, (across, down), interpolation=cv2.INTER_AREA)
    return picture._replace(pixels=pixels, reduction=picture.reduction * by)


def decode_part(photo: bytes, header: Header, reduction: int, part: Box) -> Picture:
    """At least the ``part`` of the picture; it is in pixels of the upright original.

    Raises:
        As `decode` does.
    """
    if header.format != "JPEG":
        return decode(photo, header, reduction)
    width, height = _upright_size(header)
    across, down = _reduced(width, reduction), _reduced(height, reduction)
    columns = _span(part.x, part.width, reduction, across)
    rows = _span(part.y, part.height, reduction, down)
    stored_rows, stored_columns = orientation.stored_span(
        rows, columns, (down, across), header.orientation
    )
    pixels = _decoded(_cut_off(photo, header, stored_rows[1] * reduction), header, reduction)
    pixels = pixels[slice(*stored_rows), slice(*stored_columns)]
    pixels = orientation.upright(pixels, header.orientation)
    return Picture(pixels, width, height, reduction, left=columns[0], top=rows[0])


def _upright_size(header: Header) -> tuple[int, int]:
    turned = orientation.is_turned(header.orientation)
    return (header.height, header.width) if turned else (header.width, header.height)


def _span(start: float, length: float, reduction: int, limit: int) -> tuple[int, int]:
    """The whole pixels that hold a stretch of the original and one more on either side."""
    first = min(max(math.floor(start / reduction) - 1, 0), limit - 1)
    behind = min(max(math.ceil((start + length) / reduction) + 1, first + 1), limit)
    return first, behind


def _cut_off(photo: bytes, header: Header, rows: int) -> bytes:
    """The JPEG with fewer rows, if that saves anything; its decoder stops behind them.

    A progressive one must be read to its end for any row.
    """
    rows += _ROWS_BELOW
    if header.progressive or rows > header.height * _WORTH:
        return photo
    at = header.height_at
    return b"".join((photo[:at], struct.pack(">H", rows), photo[at + 2 :]))


def _reduced(length: int, reduction: int) -> int:
    return -(-length // reduction)


def _decoded(photo: bytes, header: Header, reduction: int) -> Pixels:
    # Each of these modules takes some MB, which few photos need.
    if header.format == "HEIC":
        from streamapp.vision import heic  # noqa: PLC0415

        return heic.decoded(photo)
    if header.format == "AVIF":
        from streamapp.vision import avif  # noqa: PLC0415

        return avif.decoded(photo)
    if header.format == "JPEG 2000" and reduction > 1:
        from streamapp.vision import jpeg_2000  # noqa: PLC0415

        size = _reduced(header.width, reduction), _reduced(header.height, reduction)
        if (pixels := jpeg_2000.reduced(photo, reduction, size)) is not None:
            return pixels
    return _by_opencv(photo, header, reduction)


def _by_opencv(photo: bytes, header: Header, reduction: int) -> Pixels:
    try:
        pixels = _read(photo, header, reduction)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(error.err) from None
        if error.func == "validateInputImageSize":
            raise too_many_pixels(header) from None
        raise StreamappError(Code.PHOTO_BROKEN, f"{header.format}: {error.err}") from None
    if pixels is None:
        raise StreamappError(Code.PHOTO_BROKEN, header.format)
    return pixels  # type: ignore[no-any-return] # 8 bits a channel, by the flags


def _read(photo: bytes, header: Header, reduction: int) -> Any:
    if header.format == "JPEG":
        flags = _FLAGS[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
        return cv2.imdecode(np.frombuffer(photo, np.uint8), flags)
    if header.format == "PNG":
        photo = png.still(photo)
    pixels = memory_file.read(photo)
    if pixels is None and header.format == "TIFF":
        # One that is to be transposed does not go straight into an array.
        return cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    return pixels
