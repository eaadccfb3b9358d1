"""The judgement of an archive, before anything of it is worked on.

`judge` refuses what is wrong with the archive as a whole; what is wrong with one entry becomes
that photo's ``fault`` and the others go on. `photos` lists the same photos again, in the same
order with the same indexes, from the first one or from any later. Both are one stream over the
directory and never hold the entries: `judge` takes some 32 bytes an entry (to see duplicates and
overlaps), `photos` one piece of the directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from pyroaring import BitMap

from streamapp.archive.directory import entries
from streamapp.archive.end import find_directory
from streamapp.archive.faults import entry_fault
from streamapp.archive.names import NAME_CHARACTERS_MAX, could_be_photo
from streamapp.archive.ranges import Ranges
from streamapp.archive.repeats import Repeats
from streamapp.archive.selection import Census, Selection, too_many
from streamapp.errors import Code, StreamappError
from streamapp.events import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
        raise too_many(f"the limit is {limits.entries_max}")
    census, ranges = Census(limits.entries_max), Ranges(directory.start)
    names, faulty = Repeats(), BitMap()
    photo_count = inflated_bytes = 0
    promising = promised
    raws = _noted(entries(read, directory), census, ranges)
    selection = Selection(read, directory.start, limits, census)
    for raw, _, _ in selection.photos(raws, _START):
        names.add(hash(raw.name))
        promising = promising or could_be_photo(raw.name)
        if entry_fault(raw, limits):
            faulty.add(photo_count)
        else:
            inflated_bytes += raw.photo_bytes
        photo_count += 1
    ranges.check()
    if not census.entries:
        raise StreamappError(Code.ARCHIVE_EMPTY)
    if not promising or not photo_count:
        detail = f"entries: {census.entries}, none with a photo's extension"
        raise StreamappError(Code.ARCHIVE_NO_PHOTOS, detail)
    if inflated_bytes > limits.archive_ratio_max * size:
        raise StreamappError(Code.ARCHIVE_RATIO, f"{size} bytes, {inflated_bytes} inflated")
    repeated = names.indexes()
    return Judgement(
        photos=photo_count,
        failed=len(faulty | repeated),
        duplicates=repeated.serialize() if repeated else b"",
        skipped_by=dict(census.skipped),
    )


def photos(
    read: Reader, size: int, limits: Limits, *, duplicates: bytes = b"", start: Cursor = _START
) -> Iterator[Entry]:
    """The photos from ``start`` on of an archive that `judge` let pass, as many as it said.

    ``duplicates`` are the judgement's. What lies before ``start`` in the directory is not read.
    """
    directory = find_directory(read, size)
    repeated = BitMap.deserialize(duplicates) if duplicates else BitMap()
    selection = Selection(read, directory.start, limits, Census(limits.entries_max))
    found = selection.photos(entries(read, directory, start.entry_at), start)
    for index, (raw, entry_at, inner) in enumerate(found, start.index):
        after = Cursor(index=index + 1, entry_at=entry_at, inner=inner)
        yield _photo(raw, limits, after, repeated=index in repeated)


def _noted(raws: Iterable[RawEntry], census: Census, ranges: Ranges) -> Iterator[RawEntry]:
    for raw in raws:
        census.count()
        ranges.add(raw)
        yield raw


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
