"""Archives of odd names: path tricks, the same one again, encodings, lengths."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from streamapp.errors import Code
from tests.data.zip_case import NO_FACE, sky, taken
from tests.data.zip_end import archive
from tests.data.zip_entry import UTF8_FLAG, entry

if TYPE_CHECKING:
    from tests.data.zip_case import Case, Corpus
    from tests.data.zip_entry import Entry

    Ends = tuple[str, str | Code]


def zips_of_names() -> Corpus:
    """All of them."""
    return _tricks() | _encodings() | _lengths()


def named(*names: tuple[str | bytes, Ends]) -> Case:
    """An archive of a photo without a face under each of the names, and how each ends."""
    entries = [entry(name, sky()) for name, _ in names]
    return taken(archive(entries), *(end for _, end in names))


def _tricks() -> Corpus:
    names = {
        "absolute": "/etc/odd.jpg",
        "parent": "../../odd.jpg",
        "parent within": "a/../../odd.jpg",
        "drive": "C:/odd.jpg",
        "drive alone": "c:odd.jpg",
        "share": "//server/share/odd.jpg",
        "nul": "odd.jpg\0.exe",
        "backslash": "a\\..\\odd.jpg",
    }
    return (
        {
            f"name {what}": named((name, (name, Code.ENTRY_PATH)), ("b.png", ("b.png", NO_FACE)))
            for what, name in names.items()
        }
        | {
            f"name with {what}": named((name, (name, NO_FACE)))
            for what, name in {
                "dots": "a..b/...jpg",
                "line break": "a\nb.jpg",
                "bell": "a\x07.jpg",
            }.items()
        }
        | {
            "same name three times": named(
                ("a.jpg", ("a.jpg", NO_FACE)),
                ("A.jpg", ("A.jpg", NO_FACE)),
                ("a.jpg", ("a.jpg", Code.ENTRY_DUPLICATE)),
                ("a.jpg", ("a.jpg", Code.ENTRY_DUPLICATE)),
            ),
            "same name in two encodings": named(
                ("é.jpg", ("é.jpg", NO_FACE)), (b"\x82.jpg", ("é.jpg", Code.ENTRY_DUPLICATE))
            ),
        }
    )


def _encodings() -> Corpus:
    return {
        "name in utf-8 flagged": _one(entry("東京.jpg", sky()).but(flags=UTF8_FLAG), "東京.jpg"),
        "name in utf-8 unflagged": _one(entry("東京.jpg", sky()), "東京.jpg"),
        "name in cp437": _one(entry(b"Z\x81rich.jpg", sky()), "Zürich.jpg"),
        "name in neither": _one(
            entry(b"\xff\xfe\x80.jpg", sky()).but(flags=UTF8_FLAG), "\xa0■Ç.jpg"
        ),
        "name in latin-1": _one(entry("Zürich.jpg".encode("latin-1"), sky()), "Zⁿrich.jpg"),
        "name in its unicode field": _one(
            _with_unicode_path(b"?.jpg", "東.jpg", b"?.jpg"), "東.jpg"
        ),
        "name with a stale unicode field": _one(
            _with_unicode_path(b"new.jpg", "東.jpg", b"old.jpg"), "new.jpg"
        ),
    }


def _one(odd: Entry, name: str) -> Case:
    return taken(archive([odd]), (name, NO_FACE))


def _with_unicode_path(name: bytes, path: str, belongs_to: bytes) -> Entry:
    """Info-ZIP's Unicode path (APPNOTE 4.6.9), good for the name that its CRC belongs to."""
    field = b"\1" + struct.pack("<L", zlib.crc32(belongs_to)) + path.encode()
    return entry(name, sky()).but(extra=struct.pack("<HH", 0x7075, len(field)) + field)


def _lengths() -> Corpus:
    most, more, longest = (f"{'n' * (length - 4)}.jpg" for length in (1024, 1025, 65_535))
    return {
        "name at the limit": named((most, (most, NO_FACE))),
        "name past the limit": named((more, (more[:1024], Code.ENTRY_PATH))),
        "name as long as can be": named((longest, (longest[:1024], Code.ENTRY_PATH))),
    }
