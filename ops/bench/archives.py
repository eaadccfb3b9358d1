"""Archives for the ingest benchmark: of many photos, or of very many tiny ones."""

from __future__ import annotations

import zipfile
from pathlib import Path
from struct import Struct
from zlib import crc32

import cv2

from ops.bench.photos import VARIANTS, make_photo, read_portrait

PHOTO_BYTES = 200_000
GIGABYTE = 1_000_000_000

_LOCAL = Struct("<4s5H3L2H")
_ENTRY = Struct("<4s6H3L5H2L")
_END64 = Struct("<4sQ2H2L4Q")
_LOCATOR64 = Struct("<4sLQL")
_END = Struct("<4s4H2LH")
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_DATE = 1 << 5 | 1


def make_archive(path: Path, archive_bytes: int) -> int:
    """A ZIP of stored photos of about `PHOTO_BYTES` each; returns their number."""
    photos = archive_bytes // PHOTO_BYTES
    variants = [photo_of_size(number) for number in range(min(photos, VARIANTS))]
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(photos):
            archive.writestr(f"{number:06d}.jpg", variants[number % len(variants)])
    return photos


def photo_of_size(seed: int) -> bytes:
    """A photo, filled up behind its end to `PHOTO_BYTES`."""
    megapixels = 0.6
    while len(photo := make_photo(seed, megapixels)) > PHOTO_BYTES:
        megapixels *= 0.9
    return photo.ljust(PHOTO_BYTES, b"\0")


def make_tiny_archive(path: Path, entries: int) -> None:
    """A ZIP of ``entries`` tiny photos, all the same; ``zipfile`` would take minutes for it."""
    photo = tiny_photo()
    crc = crc32(photo)
    with path.open("wb", buffering=1 << 20) as file:
        for number in range(entries):
            name = b"%07d.jpg" % number
            local = (b"PK\3\4", 20, 0, 0, 0, _DATE, crc, len(photo), len(photo), len(name), 0)
            file.write(_LOCAL.pack(*local) + name + photo)
        start = file.tell()
        each = start // entries
        for number in range(entries):
            name = b"%07d.jpg" % number
            sizes = (crc, len(photo), len(photo), len(name), 0, 0, 0, 0, 0, number * each)
            file.write(_ENTRY.pack(b"PK\1\2", 20, 20, 0, 0, 0, _DATE, *sizes) + name)
        end = file.tell()
        size = end - start
        file.write(
            _END64.pack(b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, start)
            + _LOCATOR64.pack(b"PK\6\7", 0, end, 1)
            + _END.pack(b"PK\5\6", 0, 0, _FULL_16, _FULL_16, _FULL_32, _FULL_32, 0)
        )


def tiny_photo() -> bytes:
    """The sample's portrait as 16 by 16 pixels."""
    small = cv2.resize(read_portrait(), (16, 16), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 50])[1])
