"""The judgement of an archive, before anything of it is worked on.

`judge` refuses what is wrong with the archive as a whole; what is wrong with one entry becomes
that photo's ``fault`` and the others go on. `photos` lists the same photos again, in the same
order with the same indexes: both are one stream over the directory and hold 16 to 32 bytes an
entry (to see duplicates and overlaps), never the entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streamapp.archive.directory import entries
from streamapp.archive.end import find_directory
from streamapp.archive.faults import Limits, entry_fault, is_folder
from streamapp.archive.names import NAME_CHARACTERS_MAX, NameSet, could_be_photo, is_clutter
from streamapp.archive.ranges import Ranges
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamapp.archive.directory import RawEntry
    from streamapp.archive.end import Reader


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A usable archive: how many photos it has, and how many of those have a fault already.

    ``skipped`` entries are directories and desktop clutter, which are no photos.
    """

    photos: int
    failed: int
    skipped: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A photo of the archive, ``index`` 0-based in directory order; sizes and offset in bytes.

    With a ``fault`` the photo is failed for good, ``detail`` tells the particulars, and its data
    must not be read.
    """

    index: int
    name: str
    header_offset: int
    compressed_bytes: int
    photo_bytes: int
    method: int
    crc: int
    fault: Code | None = None
    detail: str = ""


def judge(read: Reader, size: int, limits: Limits) -> Judgement:
    """Judge an archive of ``size`` bytes.

    Raises:
        StreamappError: an ``ARCHIVE_`` code; nothing of the archive is to be used.
    """
    directory = find_directory(read, size)
    if directory.count > limits.entries_max:
        raise _too_many(limits)
    ranges = Ranges(directory.start)
    photo_count = failed = promising = 0
    for entry in _photos(_noted(entries(read, directory), ranges, limits), limits):
        photo_count += 1
        failed += entry.fault is not None
        promising += could_be_photo(entry.name)
    ranges.check()
    if not ranges:
        raise StreamappError(Code.ARCHIVE_EMPTY)
    if not promising:
        raise StreamappError(
            Code.ARCHIVE_NO_PHOTOS, f"entries: {len(ranges)}, none with a photo's extension"
        )
    return Judgement(photos=photo_count, failed=failed, skipped=len(ranges) - photo_count)


def photos(read: Reader, size: int, limits: Limits) -> Iterator[Entry]:
    """The photos of an archive that `judge` let pass, as many as it said."""
    return _photos(entries(read, find_directory(read, size)), limits)


def _noted(raws: Iterable[RawEntry], ranges: Ranges, limits: Limits) -> Iterator[RawEntry]:
    for raw in raws:
        ranges.add(raw)
        if len(ranges) > limits.entries_max:
            raise _too_many(limits)
        yield raw


def _too_many(limits: Limits) -> StreamappError:
    return StreamappError(Code.ARCHIVE_TOO_MANY_ENTRIES, f"the limit is {limits.entries_max}")


def _photos(raws: Iterable[RawEntry], limits: Limits) -> Iterator[Entry]:
    names, index = NameSet(), 0
    for raw in raws:
        if is_clutter(raw.name) or is_folder(raw):
            continue
        duplicate = None if names.add(raw.name) else (Code.ENTRY_DUPLICATE, "")
        fault, detail = entry_fault(raw, limits) or duplicate or (None, "")
        yield Entry(
            index=index,
            # A name too long is a fault; cut, it still fits into every event and row.
            name=raw.name[:NAME_CHARACTERS_MAX],
            header_offset=raw.header_offset,
            compressed_bytes=raw.compressed_bytes,
            photo_bytes=raw.photo_bytes,
            method=raw.method,
            crc=raw.crc,
            fault=fault,
            detail=detail,
        )
        index += 1
