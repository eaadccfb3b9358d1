"""The size of a picture from its header: nothing is decoded, nothing allocated.

Formats are told by their content, never by a name. Only those OpenCV decodes are known: JPEG, PNG,
WebP, AVIF, GIF, BMP, TIFF and JPEG 2000.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from streamapp.errors import Code, StreamappError
from streamapp.vision.bounds import PIXELS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable


class Header(NamedTuple):
    """What a picture says of itself, before any EXIF orientation; sizes in pixels."""

    format: str
    width: int
    height: int


def read_header(photo: bytes, pixels_max: int) -> Header:
    """The format and the size of the picture as stored, within the limit of pixels.

    Raises:
        StreamappError: ``PHOTO_NOT_AN_IMAGE`` when the format is not known, ``PHOTO_BROKEN`` when
            the header ends early or gives no size, ``PHOTO_TOO_MANY_PIXELS``.
    """
    header = _header(photo)
    if header.width * header.height > min(pixels_max, PIXELS_MAX):
        raise too_many_pixels(header)
    return header


def too_many_pixels(header: Header) -> StreamappError:
    """The error of a picture above a limit of pixels."""
    return StreamappError(Code.PHOTO_TOO_MANY_PIXELS, f"{header.width} by {header.height}")


def _header(photo: bytes) -> Header:
    for name, signature, read_size in _FORMATS:
        if signature.match(photo):
            try:
                width, height = read_size(photo)
            except (struct.error, ValueError):
                raise StreamappError(Code.PHOTO_BROKEN, f"the {name} header ends early") from None
            if width < 1 or height < 1:
                raise StreamappError(Code.PHOTO_BROKEN, f"{width} by {height} pixels")
            return Header(name, width, height)
    raise StreamappError(Code.PHOTO_NOT_AN_IMAGE)


def _jpeg(photo: bytes) -> tuple[int, int]:
    """ITU-T T.81, annex B: segments until the start of a frame."""
    at = 2
    while True:
        at = photo.index(b"\xff", at)  # what is no marker is skipped, as decoders do
        marker = struct.unpack_from("B", photo, at + 1)[0]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", photo, at + 5)
            return width, height
        if marker in _JPEG_ALONE:
            at += 1 if marker == _JPEG_FILL else 2
        else:
            at += 2 + struct.unpack_from(">H", photo, at + 2)[0]


_JPEG_FILL = 0xFF
_JPEG_ALONE = {0x00, 0x01, *range(0xD0, 0xDA), _JPEG_FILL}
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _png(photo: bytes) -> tuple[int, int]:
    return _pair(">II", photo, 16)


def _gif(photo: bytes) -> tuple[int, int]:
    return _pair("<HH", photo, 6)


def _bmp(photo: bytes) -> tuple[int, int]:
    (header_bytes,) = struct.unpack_from("<I", photo, 14)
    if header_bytes == 12:  # noqa: PLR2004 - the OS/2 header is told by its length
        return _pair("<HH", photo, 18)
    width, height = _pair("<ii", photo, 18)
    return width, abs(height)  # negative: the rows go from the top down


def _webp(photo: bytes) -> tuple[int, int]:
    """RFC 9649, sections 2.5 to 2.7."""
    kind = photo[12:16]
    if kind == b"VP8X":
        width, _, height, _ = struct.unpack("<HBHB", photo[24:30])
        return width + (photo[26] << 16) + 1, height + (photo[29] << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", photo, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = _pair("<HH", photo, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(photo: bytes) -> tuple[int, int]:
    """TIFF 6.0, section 2: the tags 256 and 257 of the first directory."""
    order = "<" if photo.startswith(b"II") else ">"
    (directory,) = struct.unpack_from(f"{order}I", photo, 4)
    (count,) = struct.unpack_from(f"{order}H", photo, directory)
    sizes = {256: 0, 257: 0}
    for at in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", photo, at)
        if tag in sizes:
            (sizes[tag],) = struct.unpack_from(
                order + ("H" if kind == _SHORT else "I"), photo, at + 8
            )
    return sizes[256], sizes[257]


_SHORT = 3


def _jp2(photo: bytes) -> tuple[int, int]:
    """ISO/IEC 15444-1, annex I.5.3.1: the image header box."""
    height, width = _pair(">II", photo, photo.index(b"ihdr") + 4)
    return width, height


def _j2k(photo: bytes) -> tuple[int, int]:
    """ISO/IEC 15444-1, annex A.5.1: the SIZ segment."""
    right, bottom, left, top = struct.unpack_from(">IIII", photo, 8)
    return right - left, bottom - top


def _avif(photo: bytes) -> tuple[int, int]:
    """ISO/IEC 23008-12: the largest of the image's, its tiles' and its thumbnails' extents."""
    media = photo.find(b"mdat")
    extents = [
        _pair(">II", photo, found.end() + 4)
        for found in re.finditer(b"ispe", photo[: media if media > 0 else None])
    ]
    return max(extents, key=lambda extent: extent[0] * extent[1])


def _pair(layout: str, photo: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, photo, at)
    return first, second


_FORMATS: list[tuple[str, re.Pattern[bytes], Callable[[bytes], tuple[int, int]]]] = [
    (name, re.compile(signature, re.DOTALL), read_size)
    for name, signature, read_size in (
        ("JPEG", rb"\xff\xd8\xff", _jpeg),
        ("PNG", rb"\x89PNG\r\n\x1a\n", _png),
        ("WebP", rb"RIFF....WEBPVP8", _webp),
        ("AVIF", rb"....ftypavi[fs]", _avif),
        ("GIF", rb"GIF8[79]a", _gif),
        ("TIFF", rb"II\*\0|MM\0\*", _tiff),
        ("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n", _jp2),
        ("JPEG 2000", rb"\xff\x4f\xff\x51", _j2k),
        ("BMP", rb"BM.{4}\0{4}", _bmp),
    )
]
