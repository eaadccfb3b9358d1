"""Archives that inflate to more than they may, or ask for more memory than they need."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from random import Random
from typing import TYPE_CHECKING

from backports import zstd

from streamapp.errors import Code
from tests.data.zip_case import FACE, portrait, refused
from tests.data.zip_end import archive
from tests.data.zip_entry import DEFLATED, Entry, deflated, entry
from tests.data.zips_of_entries import beside, lzma_data

if TYPE_CHECKING:
    from tests.data.zip_case import Corpus

_ZEROS = bytes(1_000_000)


def zips_of_bombs() -> Corpus:
    """All of them."""
    return _ratios() | _lies() | _memory()


def _ratios() -> Corpus:
    random = Random(1)  # noqa: S311 - no secret
    mixed = [
        entry(f"{number}.jpg", random.randbytes(4_000) + bytes(800_000)) for number in range(10)
    ]
    return {
        "bomb of zeros": beside(entry("odd.jpg", _ZEROS), Code.ENTRY_TOO_LARGE),
        "bomb of zeros in bzip2": beside(
            entry("odd.jpg", _ZEROS, 12, bz2.compress(_ZEROS)), Code.ENTRY_TOO_LARGE
        ),
        "bomb of zeros in zstandard": beside(
            entry("odd.jpg", _ZEROS, 93, zstd.compress(_ZEROS)), Code.ENTRY_TOO_LARGE
        ),
        "bomb of 2^62 bytes": beside(_of_size(1 << 62), Code.ENTRY_TOO_LARGE),
        "bomb of all entries together": refused(Code.ARCHIVE_RATIO, archive(mixed)),
    }


def _of_size(size: int) -> Entry:
    field = struct.pack("<HHQ", 1, 8, size)
    return entry("odd.jpg", portrait()).listing(size=0xFFFFFFFF, extra=field)


def _lies() -> Corpus:
    """Data that inflate to far more than both headers say."""
    data = {
        "deflate": (DEFLATED, deflated(_ZEROS)),
        "bzip2": (12, bz2.compress(_ZEROS)),
        "lzma": (14, lzma_data(_ZEROS)),
        "zstandard": (93, zstd.compress(_ZEROS)),
        "xz": (95, lzma.compress(_ZEROS)),
    }
    return {
        f"bomb that says it is small in {name}": beside(
            entry("odd.jpg", _ZEROS[:1000], method, bomb), Code.ENTRY_BROKEN
        )
        for name, (method, bomb) in data.items()
    }


def _memory() -> Corpus:
    photo = portrait()
    return {
        "lzma of a dictionary of 4 GiB": beside(
            entry("odd.jpg", photo, 14, lzma_data(photo, dictionary_bytes=0xFFFFFFFF)), FACE
        ),
        "xz of a dictionary of 4 GiB": beside(
            entry("odd.jpg", photo, 95, _xz_of_4_gib(photo)), Code.ENTRY_BROKEN
        ),
        "zstandard of a window of 2 GiB": beside(
            entry("odd.jpg", photo, 93, _zstandard_of_2_gib(photo)), Code.ENTRY_BROKEN
        ),
    }


def _xz_of_4_gib(content: bytes) -> bytes:
    """The block's header (behind 12 bytes of the stream's) is made to say so, and its CRC."""
    stream = bytearray(lzma.compress(content))
    end = 12 + (stream[12] + 1) * 4
    stream[16] = 40
    stream[end - 4 : end] = struct.pack("<L", zlib.crc32(stream[12 : end - 4]))
    return bytes(stream)


def _zstandard_of_2_gib(content: bytes) -> bytes:
    """A frame of a single raw block (RFC 8878, 3.1.1)."""
    window = (31 - 10) << 3
    block = struct.pack("<L", len(content) << 3 | 1)[:3]
    return b"\x28\xb5\x2f\xfd\0" + bytes([window]) + block + content
