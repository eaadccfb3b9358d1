"""Archives with an odd entry before a sound one, which must not suffer: methods, sizes, data."""

from __future__ import annotations

import bz2
import lzma
import struct
from typing import TYPE_CHECKING

from backports import zstd

from streamapp.errors import Code
from tests.data.zip_case import FACE, NO_FACE, portrait, refused, sky, taken
from tests.data.zip_end import archive
from tests.data.zip_entry import DEFLATED, STORED, deflated, entry

if TYPE_CHECKING:
    from tests.data.zip_case import Case, Corpus
    from tests.data.zip_entry import Entry

BROKEN = Code.ENTRY_BROKEN
ODD = "odd.jpg"


def beside(odd: Entry, end: str | Code, name: str = ODD) -> Case:
    """An archive of ``odd``, which ends like that, and a sound photo after it."""
    return taken(archive([odd, entry("sound.png", sky())]), (name, end), ("sound.png", NO_FACE))


def zips_of_entries() -> Corpus:
    """All of them."""
    return _methods() | _sizes() | _streams()


def _methods() -> Corpus:
    photo = portrait()
    encrypted = entry(ODD, photo)
    codes = {
        "shrunk": 1,
        "imploded": 6,
        "jpeg": 96,
        "wavpack": 97,
        "ppmd": 98,
        "of the future": 999,
    }
    return {
        f"method {name}": beside(entry(ODD, photo, method, photo), Code.ENTRY_METHOD)
        for name, method in codes.items()
    } | {
        "method bzip2": beside(entry(ODD, photo, 12, bz2.compress(photo)), FACE),
        "method lzma": beside(entry(ODD, photo, 14, lzma_data(photo)), FACE),
        "method xz": beside(entry(ODD, photo, 95, lzma.compress(photo)), FACE),
        "method zstandard": beside(entry(ODD, photo, 93, zstd.compress(photo)), FACE),
        "encrypted strongly": beside(encrypted.but(flags=0x41), Code.ENTRY_ENCRYPTED),
        "encrypted directory": beside(encrypted.but(flags=0x2041), Code.ENTRY_ENCRYPTED),
        "encrypted with aes": beside(encrypted.but(method=99), Code.ENTRY_ENCRYPTED),
    }


def lzma_data(content: bytes, *, dictionary_bytes: int = 1 << 16) -> bytes:
    """A ZIP's LZMA data (APPNOTE 5.8): version, properties, and a stream with an end marker."""
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}]
    stream = lzma.compress(content, lzma.FORMAT_RAW, filters=filters)
    return struct.pack("<BBHBL", 9, 4, 5, 0x5D, dictionary_bytes) + stream


def _sizes() -> Corpus:
    photo, honest = portrait(), entry(ODD, portrait())
    size, compressed = len(photo), len(honest.data)
    stored = entry(ODD, photo, STORED)
    large = entry(ODD, bytes(range(256)) * 4097, STORED)
    return {
        "size too small": beside(honest.listing(size=size - 1), BROKEN),
        "size too large": beside(honest.listing(size=size + 1), BROKEN),
        "size nothing": beside(honest.listing(size=0), BROKEN),
        "compressed size too small": beside(honest.listing(compressed=compressed - 1), BROKEN),
        "compressed size nothing": beside(honest.listing(compressed=0, size=0), BROKEN),
        "compressed size into the next entry": refused(
            Code.ARCHIVE_OVERLAP,
            archive([honest.listing(compressed=compressed + 1), entry("sound.png", sky())]),
        ),
        "compressed size into the directory": refused(
            Code.ARCHIVE_OVERLAP, archive([honest.listing(compressed=compressed + 1)])
        ),
        "stored in two sizes": beside(stored.listing(size=size - 1), BROKEN),
        "photo beyond the limit": beside(large, Code.ENTRY_TOO_LARGE),
    }


def _streams() -> Corpus:
    photo, honest = portrait(), entry(ODD, portrait())
    stream = honest.data
    flipped = stream[:5000] + bytes([stream[5000] ^ 0xFF]) + stream[5001:]
    return {
        "deflate without its end": beside(entry(ODD, photo, DEFLATED, stream[:-100]), BROKEN),
        "deflate with bits flipped": beside(entry(ODD, photo, DEFLATED, flipped), BROKEN),
        "deflate of garbage": beside(entry(ODD, photo, DEFLATED, b"\xff" * 5000), BROKEN),
        "deflate of nothing": beside(entry(ODD, photo, DEFLATED, b"").listing(size=0), BROKEN),
        "deflate that goes on": beside(entry(ODD, photo, DEFLATED, stream + stream), BROKEN),
        "deflate behind its end": beside(entry(ODD, photo, DEFLATED, stream + b"\0"), BROKEN),
        "deflate of less": beside(entry(ODD, photo, DEFLATED, deflated(photo[:-1])), BROKEN),
        "crc of another": beside(honest.but(crc=1), BROKEN),
        "stored crc of another": beside(entry(ODD, photo, STORED).but(crc=1), BROKEN),
    }
