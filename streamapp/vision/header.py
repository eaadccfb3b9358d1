"""The size of a picture from its header: nothing is decoded, nothing allocated.

Formats are told by their content, never by a name: JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP, TIFF and
JPEG 2000. Of a JPEG, whose decoding is steered here, more is read than the size.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from streamapp.errors import Code, StreamappError
from streamapp.vision.bounds import PIXELS_MAX
from streamapp.vision.orientation import UPRIGHT, from_turns, read_orientation

if TYPE_CHECKING:
    from collections.abc import Callable


class Header(NamedTuple):
    """What a picture says of itself, before any EXIF orientation; sizes in pixels."""

    format: str
    width: int
    height: int
    orientation: int = UPRIGHT
    """A JPEG's or an AVIF's; the decoders of the others apply it themselves."""
    height_at: int = 0
    """A JPEG's: where its height is stored."""
    progressive: bool = False
    """A JPEG's: whether every row needs the whole file."""


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
    for name, signature, read in _FORMATS:
        if signature.match(photo):
            try:
                header = read(name, photo)
            except (struct.error, ValueError):
                raise StreamappError(Code.PHOTO_BROKEN, f"the {name} header ends early") from None
            if header.width < 1 or header.height < 1:
                raise StreamappError(Code.PHOTO_BROKEN, f"{header.width} by {header.height} pixels")
            return header
    raise StreamappError(Code.PHOTO_NOT_AN_IMAGE)


def _jpeg(name: str, photo: bytes) -> Header:
    """ITU-T T.81, annex B: segments until the start of a frame."""
    at, orientation = 2, UPRIGHT
    for _ in range(_JPEG_SEGMENTS_MAX):
        marker_at = _JPEG_MARKER.search(photo, at)
        if not marker_at:
            break
        at = marker_at.start()
        marker = photo[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", photo, at + 5)
            sequential = marker in _JPEG_SEQUENTIAL
            return Header(name, width, height, orientation, at + 5, progressive=not sequential)
        (length,) = struct.unpack_from(">H", photo, at + 2)
        if marker == _JPEG_APP1 and photo.startswith(_EXIF, at + 4):
            orientation = read_orientation(photo[at + 4 + len(_EXIF) : at + 2 + length])
        at += 2 + length
    raise ValueError


_JPEG_MARKER = re.compile(rb"\xff[\x02-\xcf\xda-\xfe]")
"""With a segment; what is before it is skipped, as decoders do."""
_JPEG_SEGMENTS_MAX = 10_000
_JPEG_APP1 = 0xE1
_EXIF = b"Exif\0\0"
_JPEG_SEQUENTIAL = {0xC0, 0xC1}
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


def _heif(photo: bytes) -> tuple[int, int]:
    """ISO/IEC 23008-12: the largest of the image's, its tiles' and its thumbnails' extents."""
    meta = _meta(photo)
    extents = [_pair(">II", meta, found.end() + 4) for found in re.finditer(b"ispe", meta)]
    return max(extents, key=lambda extent: extent[0] * extent[1])


def _avif(name: str, photo: bytes) -> Header:
    """The extent, and how the picture is to be turned: its decoder does not do that.

    ISO/IEC 23008-12, 6.5.10 and 12: quarter turns counter-clockwise, then a mirror.
    """
    width, height = _heif(photo)
    turns, mirror = (_property(photo, kind) for kind in (b"irot", b"imir"))
    return Header(name, width, height, from_turns((turns or 0) & 3, mirror))


def _property(photo: bytes, kind: bytes) -> int | None:
    """The value of the first item property of that kind, of one byte."""
    meta = _meta(photo)
    at = meta.find(kind)
    return next(iter(meta[at + 4 : at + 5]), None) if at > 0 else None


def _meta(photo: bytes) -> bytes:
    """The box ``meta``, wherever it lies; ISO/IEC 14496-12, 4.2."""
    at = 0
    while True:
        length, kind = struct.unpack_from(">I4s", photo, at)
        if length == 1:
            (length,) = struct.unpack_from(">Q", photo, at + 8)
        if kind == b"meta":
            return photo[at : at + length] if length else photo[at:]
        if length < _BOX_HEADER_BYTES:
            raise ValueError(length)
        at += length


_BOX_HEADER_BYTES = 8


def _pair(layout: str, photo: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, photo, at)
    return first, second


def _sized(read_size: Callable[[bytes], tuple[int, int]]) -> Callable[[str, bytes], Header]:
    return lambda name, photo: Header(name, *read_size(photo))


_FORMATS: list[tuple[str, re.Pattern[bytes], Callable[[str, bytes], Header]]] = [
    (name, re.compile(signature, re.DOTALL), read)
    for name, signature, read in (
        ("JPEG", rb"\xff\xd8\xff", _jpeg),
        ("PNG", rb"\x89PNG\r\n\x1a\n", _sized(_png)),
        ("WebP", rb"RIFF....WEBPVP8", _sized(_webp)),
        ("AVIF", rb"....ftyp(avi[fs]|m[is]f1.{4,64}?avif)", _avif),
        ("HEIC", rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", _sized(_heif)),
        ("GIF", rb"GIF8[79]a", _sized(_gif)),
        ("TIFF", rb"II\*\0|MM\0\*", _sized(_tiff)),
        ("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n", _sized(_jp2)),
        ("JPEG 2000", rb"\xff\x4f\xff\x51", _sized(_j2k)),
        ("BMP", rb"BM.{4}\0{4}", _sized(_bmp)),
    )
]
