"""Archives whose end is odd: counts, offsets, comments, several disks, no ZIP."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from streamapp.errors import Code
from tests.data.zip_case import FACE, NO_FACE, TEXT, portrait, refused, sky, taken
from tests.data.zip_end import End, archive, end_record
from tests.data.zip_entry import STORED, entry

if TYPE_CHECKING:
    from tests.data.zip_case import Case, Corpus

BROKEN, DISKS = Code.ARCHIVE_BROKEN, Code.ARCHIVE_MULTI_DISK
ENTRIES = (entry("a.jpg", portrait()), entry("b.png", sky()))
ENDS = (("a.jpg", FACE), ("b.png", NO_FACE))
_LARGE = 9 << 20
"""More than is sent to an object store in one part."""


def zips_of_ends() -> Corpus:
    """All of them."""
    return _lies() | _comments() | _around() | _counts() | _no_zips()


def lying(code: Code, *, zip64: bool = False, **fields: int) -> Case:
    return refused(code, archive(ENTRIES, zip64=zip64, end=End(**fields)))


def _lies() -> Corpus:
    sound = archive(ENTRIES)
    directory_at = sound.index(b"PK\1\2")
    first, second = (each.directory_entry(0) for each in ENTRIES)
    return {
        "count too large": lying(BROKEN, count=3),
        "count too small": lying(BROKEN, count=1),
        "count of another disk": lying(DISKS, here=1),
        "end on disk 1": lying(DISKS, disk=1),
        "directory on disk 1": lying(DISKS, directory_disk=1),
        "entry on disk 1": refused(DISKS, archive([ENTRIES[0]._replace(disk=1), ENTRIES[1]])),
        "directory beyond the file": lying(BROKEN, offset=10_000_000),
        "directory a byte too far": lying(BROKEN, offset=directory_at + 1),
        "directory a byte too near": lying(Code.ARCHIVE_OVERLAP, offset=directory_at - 1),
        "directory too long": lying(BROKEN, length=10_000_000),
        "directory too short": lying(BROKEN, length=len(first)),
        "directory of half an entry": lying(BROKEN, length=len(second) - 1),
        "directory damaged": refused(
            BROKEN, sound[:directory_at] + b"XX" + sound[directory_at + 2 :]
        ),
        "end cut off": refused(BROKEN, sound[:-1]),
        "directory cut off": refused(BROKEN, sound[: directory_at + 20]),
        "half of it": refused(BROKEN, sound[: len(sound) // 2]),
        "front cut off": refused(BROKEN, sound[100:]),
    }


def _comments() -> Corpus:
    empty = end_record(End(), 0, 0, 0)
    return {
        "empty": refused(Code.ARCHIVE_EMPTY, empty),
        "end in the comment": refused(Code.ARCHIVE_EMPTY, archive(ENTRIES, comment=empty)),
        "end quoted in the comment": taken(archive(ENTRIES, comment=empty + b"!"), *ENDS),
        "archive in the comment": taken(
            archive(ENTRIES[:1], comment=archive([ENTRIES[1]])), ("b.png", NO_FACE)
        ),
        "comment cut off": taken(archive(ENTRIES, end=End(comment_bytes=9)), *ENDS),
        "longest comment": taken(archive(ENTRIES, comment=bytes(0xFFFF)), *ENDS),
        "comments of entries": taken(
            archive([each._replace(comment=b"PK\5\6" * 9000) for each in ENTRIES]), *ENDS
        ),
    }


def _around() -> Corpus:
    sound = archive(ENTRIES)
    return {
        "before it a program": taken(b"MZ" + bytes(70_000) + sound, *ENDS),
        "before it a program that counts": taken(archive(ENTRIES, before=bytes(70_000)), *ENDS),
        "before it 9 MiB": taken(bytes(_LARGE) + sound, *ENDS),
        "before it 9 MiB and cut off": refused(Code.ARCHIVE_NOT_ZIP, bytes(_LARGE) + sound[:-1]),
        "before it another archive": taken(archive([entry("c.jpg", portrait())]) + sound, *ENDS),
        "before it the mark of a split": taken(archive(ENTRIES, before=b"PK00"), *ENDS),
        "behind it zeros": taken(sound + bytes(500), *ENDS),
        "behind it garbage": taken(sound + b"\r\n--boundary--\r\n", *ENDS),
        "before its directory a gap": taken(archive(ENTRIES, gap=bytes(5000)), *ENDS),
        "within it an entry not listed": taken(
            archive(ENTRIES, before=entry("hidden.jpg", portrait()).written()), *ENDS
        ),
        "listed backwards": taken(_backwards(), *ENDS[::-1]),
    }


def _backwards() -> bytes:
    first, second = ENTRIES
    at = len(first.written())
    listed = second.directory_entry(at) + first.directory_entry(0)
    body = first.written() + second.written()
    return body + listed + end_record(End(), 2, len(listed), len(body))


def _counts() -> Corpus:
    """Around the limits of `make_archives.LIMITS`."""
    folder = entry("d/", b"", STORED)
    too_many = Code.ARCHIVE_TOO_MANY_ENTRIES
    return {
        "65536 entries, count 0": taken(
            archive([*[folder] * 65_534, *ENTRIES]), *ENDS, folder=65_534
        ),
        "entries at the limit": taken(
            archive([*[folder] * 69_998, *ENTRIES], zip64=True), *ENDS, folder=69_998
        ),
        "entries past the limit": refused(too_many, archive([*[folder] * 69_999, *ENTRIES])),
        "entries past the limit claimed": lying(too_many, zip64=True, count=70_001),
    }


def _no_zips() -> Corpus:
    contents = {
        "nothing": b"",
        "text": TEXT,
        "photo": portrait(),
        "rar": b"Rar!\x1a\7\1\0" + bytes(500),
        "7-zip": b"7z\xbc\xaf\x27\x1c" + bytes(500),
        "gzip": gzip.compress(TEXT),
    }
    return {
        f"no zip but {what}": refused(Code.ARCHIVE_NOT_ZIP, content)
        for what, content in contents.items()
    }
