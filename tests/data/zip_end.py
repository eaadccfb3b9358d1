"""ZIP archives put together of entries, with an end that can lie (APPNOTE 4.3.14 to 4.3.16)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.data.zip_entry import Entry

_END = Struct("<4s4H2LH")
_LOCATOR64 = Struct("<4sLQL")
_END64 = Struct("<4sQ2H2L4Q")
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What the end record says; None for what is true."""

    disk: int = 0
    directory_disk: int = 0
    here: int | None = None
    count: int | None = None
    length: int | None = None
    offset: int | None = None
    comment_bytes: int | None = None


HONEST = End()


def archive(
    entries: Sequence[Entry],
    *,
    before: bytes = b"",
    gap: bytes = b"",
    comment: bytes = b"",
    zip64: bool = False,
    end: End = HONEST,
) -> bytes:
    """An archive after ``before``, which the offsets count; ``gap`` lies before the directory."""
    body, directory = bytearray(before), b""
    offsets = []
    for each in entries:
        offsets.append(len(body))
        body += each.written()
    body += gap
    directory = b"".join(
        each.directory_entry(at) for each, at in zip(entries, offsets, strict=True)
    )
    ends = end64_records if zip64 else end_record
    return bytes(body) + directory + ends(end, len(entries), len(directory), len(body), comment)


def end_record(end: End, count: int, length: int, offset: int, comment: bytes = b"") -> bytes:
    """The end record, whose counts wrap around and whose sizes are full where they do not fit."""
    claimed = count % (1 << 16) if end.count is None else end.count
    return (
        _END.pack(
            b"PK\5\6",
            end.disk,
            end.directory_disk,
            claimed if end.here is None else end.here,
            claimed,
            length if end.length is None else end.length,
            offset if end.offset is None else end.offset,
            len(comment) if end.comment_bytes is None else end.comment_bytes,
        )
        + comment
    )


def end64_records(end: End, count: int, length: int, offset: int, comment: bytes = b"") -> bytes:
    """The Zip64 end record, its locator, and an end record that refers to them."""
    claimed = count if end.count is None else end.count
    return (
        end64_record(
            claimed,
            length if end.length is None else end.length,
            offset if end.offset is None else end.offset,
            here=end.here,
        )
        + locator64(offset + length)
        + end_record(End(count=_FULL_16, length=_FULL_32, offset=_FULL_32), 0, 0, 0, comment)
    )


def end64_record(
    count: int, length: int, offset: int, *, here: int | None = None, more: bytes = b""
) -> bytes:
    """The Zip64 end record, ``more`` being its extensible data sector."""
    size = _END64.size - 12 + len(more)
    counts = (count if here is None else here, count)
    return _END64.pack(b"PK\6\6", size, 45, 45, 0, 0, *counts, length, offset) + more


def locator64(at: int, disk: int = 0, disks: int = 1) -> bytes:
    """The locator of the Zip64 end record at ``at``."""
    return _LOCATOR64.pack(b"PK\6\7", disk, at, disks)
