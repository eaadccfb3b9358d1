"""The judgement of an archive, before anything of it is worked on.

`judge` refuses what is wrong with the archive as a whole; what is wrong with one entry becomes
that photo's ``fault`` and the others go on. `photos` lists the same photos again, in the same
order with the same indexes, from the first one or from any later. Both are one stream over the
directory and never hold the entries: `judge` takes some 24 bytes an entry (to see duplicates and
overlaps), `photos` one piece of the directory.
"""

from __future__ import annotations

import stat
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from pyroaring import BitMap

from streamapp.archive.directory import entries
from streamapp.archive.end import find_directory
from streamapp.archive.faults import entry_fault
from streamapp.archive.names import NAME_CHARACTERS_MAX, could_be_photo, skip_reason
from streamapp.archive.ranges import Ranges
from streamapp.archive.repeats import Repeats
from streamapp.errors import Code, StreamappError
from streamapp.events import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.archive.directory import RawEntry
    from streamapp.archive.end import Reader
    from streamapp.archive.faults import Limits

_START = Cursor()


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A usable archive: how many photos it has, and how many of those have a fault already.

    ``duplicates`` are the indexes of photos whose name repeats an earlier one's, a serialized
    roaring bitmap (``b""`` for none). ``skipped_by`` counts by reason the entries that are no
    photos.
    """

    photos: int
    failed: int = 0
    duplicates: bytes = b""
    skipped_by: dict[str, int] = {}

    @property
    def skipped(self) -> int:
        """How many entries are no photos."""
        return sum(self.skipped_by.values())


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A photo of the archive, ``index`` 0-based in directory order; sizes and offset in bytes.

    With a ``fault`` the photo is failed for good, ``detail`` tells the particulars, and its data
    must not be read. ``after`` is where the next photo begins.
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
    after: Cursor


def judge(read: Reader, size: int, limits: Limits, *, promised: bool = False) -> Judgement:
    """Judge an archive of ``size`` bytes; ``promised`` to hold photos, whatever their names say.

    Raises:
        StreamappError: an ``ARCHIVE_`` code; nothing of the archive is to be used.
    """
    directory = find_directory(read, size)
    if directory.count > limits.entries_max:
        raise _too_many(limits)
    ranges, names, faulty = Ranges(directory.start), Repeats(), BitMap()
    skipped = Counter[str]()
    photo_count = inflated_bytes = 0
    promising = promised
    for raw in entries(read, directory):
        ranges.add(raw)
        if len(ranges) > limits.entries_max:
            raise _too_many(limits)
        if reason := _skip_reason(raw):
            skipped[reason] += 1
            continue
        names.add(hash(raw.name))
        promising = promising or could_be_photo(raw.name)
        if entry_fault(raw, limits):
            faulty.add(photo_count)
        else:
            inflated_bytes += raw.photo_bytes
        photo_count += 1
    ranges.check()
    if not ranges:
        raise StreamappError(Code.ARCHIVE_EMPTY)
    if not promising or not photo_count:
        raise StreamappError(
            Code.ARCHIVE_NO_PHOTOS, f"entries: {len(ranges)}, none with a photo's extension"
        )
    if inflated_bytes > limits.archive_ratio_max * size:
        raise StreamappError(Code.ARCHIVE_RATIO, f"{size} bytes, {inflated_bytes} inflated")
    repeated = names.indexes()
    return Judgement(
        photos=photo_count,
        failed=len(faulty | repeated),
        duplicates=repeated.serialize() if repeated else b"",
        skipped_by=dict(skipped),
    )


def photos(
    read: Reader, size: int, limits: Limits, *, duplicates: bytes = b"", start: Cursor = _START
) -> Iterator[Entry]:
    """The photos from ``start`` on of an archive that `judge` let pass, as many as it said.

    ``duplicates`` are the judgement's. What lies before ``start`` in the directory is not read.
    """
    directory = find_directory(read, size)
    repeated = BitMap.deserialize(duplicates) if duplicates else BitMap()
    index = start.index
    for raw in entries(read, directory, start.entry_at):
        if not _skip_reason(raw):
            after = Cursor(index=index + 1, entry_at=raw.next_at)
            yield _photo(raw, limits, after, repeated=index in repeated)
            index += 1


def _too_many(limits: Limits) -> StreamappError:
    return StreamappError(Code.ARCHIVE_TOO_MANY_ENTRIES, f"the limit is {limits.entries_max}")


def _skip_reason(raw: RawEntry) -> str:
    return "folder" if raw.file_type == stat.S_IFDIR else skip_reason(raw.name)


def _photo(raw: RawEntry, limits: Limits, after: Cursor, *, repeated: bool) -> Entry:
    duplicate = (Code.ENTRY_DUPLICATE, "") if repeated else None
    fault, detail = entry_fault(raw, limits) or duplicate or (None, "")
    return Entry(
        index=after.index - 1,
        # A name too long is a fault; cut, it still fits into every event and row.
        name=raw.name[:NAME_CHARACTERS_MAX],
        header_offset=raw.header_offset,
        compressed_bytes=raw.compressed_bytes,
        photo_bytes=raw.photo_bytes,
        method=raw.method,
        crc=raw.crc,
        fault=fault,
        detail=detail,
        after=after,
    )
