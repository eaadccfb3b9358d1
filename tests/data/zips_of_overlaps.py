"""Archives whose entries share bytes, as in a ZIP bomb that no limit on sizes sees.

The three that let many entries share one piece of data are David Fifield's constructions
("A better zip bomb", WOOT 2019): full overlap, quoted overlap, quoting by extra fields.
"""

from __future__ import annotations

import struct
import zlib
from itertools import accumulate
from typing import TYPE_CHECKING

from streamapp.errors import Code
from tests.data.zip_case import portrait, refused, sky
from tests.data.zip_end import End, archive, end_record
from tests.data.zip_entry import DEFLATED, STORED, Entry, Header, deflated, entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.data.zip_case import Corpus

OVERLAP = Code.ARCHIVE_OVERLAP
_NAMES = tuple(b"%03d.jpg" % number for number in range(100))
_ZEROS = bytes(1_000_000)


def zips_of_overlaps() -> Corpus:
    """All of them."""
    return _fifield() | _overlaps()


def _fifield() -> Corpus:
    return {
        "bomb by full overlap": refused(OVERLAP, full_overlap()),
        "bomb by quoted overlap": refused(OVERLAP, _quoted_overlap()),
        "bomb by extra fields": refused(OVERLAP, _quoted_by_extra_fields()),
    }


def full_overlap() -> bytes:
    """All entries have one local header."""
    kernel = entry(_NAMES[0], _ZEROS)
    return _listed(
        kernel.written(), [kernel.listing(name=name)._replace(offset=0) for name in _NAMES]
    )


def _quoted_overlap() -> bytes:
    """Each entry's data quote the next local header in a stored deflate block, then go on in it."""
    kernel, content = deflated(_ZEROS), _ZEROS
    entries: list[Entry] = []
    for name in reversed(_NAMES):
        if entries:
            quoted = entries[0].local.written()
            block = struct.pack("<BHH", 0, len(quoted), len(quoted) ^ 0xFFFF)
            kernel, content = block + quoted + kernel, quoted + content
        entries.insert(0, entry(name, content, DEFLATED, kernel))
    sizes = [len(each.written()) for each in entries]
    placed = [
        each._replace(offset=sizes[0] - size) for each, size in zip(entries, sizes, strict=True)
    ]
    return _listed(entries[0].written(), placed)


def _quoted_by_extra_fields() -> bytes:
    """Each local header's extra field takes in all later headers, up to the one piece of data."""
    kernel = deflated(_ZEROS)
    honest = Header(b"", zlib.crc32(_ZEROS), len(kernel), len(_ZEROS))
    later, entries = b"", list[Entry]()
    for name in reversed(_NAMES):
        field = struct.pack("<HH", 0x9999, len(later)) + later
        header = honest._replace(name=name)
        later = header._replace(extra=field).written()
        entries.insert(0, Entry(header, b"", header))
    steps = accumulate((len(each.written()) + 4 for each in entries), initial=0)
    placed = [each._replace(offset=at) for each, at in zip(entries, steps, strict=False)]
    return _listed(later + kernel, placed)


def _listed(body: bytes, entries: Sequence[Entry]) -> bytes:
    directory = b"".join(each.directory_entry(0) for each in entries)
    return body + directory + end_record(End(), len(entries), len(directory), len(body))


def _overlaps() -> Corpus:
    inner, sound = entry("inner.jpg", portrait()), entry("sound.png", sky())
    outer = entry("outer.jpg", inner.written(), STORED)
    within = len(outer.written()) - len(outer.data)
    return {
        "entry listed twice": refused(
            OVERLAP, _listed(sound.written(), [sound._replace(offset=0)] * 2)
        ),
        "entry within another": refused(
            OVERLAP,
            _listed(outer.written(), [outer._replace(offset=0), inner._replace(offset=within)]),
        ),
        "entry within the directory": refused(
            OVERLAP, archive([sound, inner._replace(offset=len(sound.written()) + 10)])
        ),
        "entry beyond the file": refused(OVERLAP, archive([sound._replace(offset=10_000_000)])),
        "entry at the end of all offsets": refused(
            OVERLAP, archive([_wide(sound, 1, (1 << 64) - 1)])
        ),
        "entry of all bytes": refused(OVERLAP, archive([_wide(sound, (1 << 64) - 1, 0)])),
    }


def _wide(honest: Entry, compressed: int, offset: int) -> Entry:
    field = struct.pack("<HHQQ", 1, 16, compressed, offset)
    return honest.listing(compressed=0xFFFFFFFF, extra=field)._replace(offset=0xFFFFFFFF)
