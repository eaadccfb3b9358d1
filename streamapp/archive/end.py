"""The end of a ZIP archive: the records that say where its central directory lies.

Follows PKWARE's APPNOTE 4.3.14 to 4.3.16. As Python's ``zipfile`` does, the directory is taken
to end where its end record begins, so that data put before the archive (a self-extracting stub)
shift every offset by the same amount. One ranged read finds everything.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

import msgspec

from streamapp.errors import Code, StreamappError

Reader = Callable[[int, int], bytes]
"""``read(start, length)``: bytes ``start`` to ``start + length``, fewer only at the end."""

_END = Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\5\6"
_LOCATOR64 = Struct("<4sLQL")
_LOCATOR64_SIGNATURE = b"PK\6\7"
_END64 = Struct("<4sQ2H2L4Q")
_END64_SIGNATURE = b"PK\6\6"
_LOCAL_SIGNATURE = b"PK\3\4"
_COMMENT_BYTES_MAX = 0xFFFF
_END64_BYTES_MAX = _END64.size + 4096  # it may go on with data we do not know
_TAIL_BYTES = _END64_BYTES_MAX + _LOCATOR64.size + _END.size + _COMMENT_BYTES_MAX


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """Where the central directory lies: bytes ``start`` to ``end`` of the archive.

    ``count`` is the number of entries it claims; without Zip64 (``modulus`` 65,536) some writers
    let it wrap around. ``shift`` is added to every offset written in the archive.
    """

    start: int
    end: int
    count: int
    modulus: int
    shift: int


def find_directory(read: Reader, size: int) -> Directory:
    """The central directory of an archive of ``size`` bytes.

    Raises:
        StreamappError: ``ARCHIVE_NOT_ZIP``, ``ARCHIVE_BROKEN`` or ``ARCHIVE_MULTI_DISK``.
    """
    base = max(0, size - _TAIL_BYTES)
    tail = read_exactly(read, base, size - base)
    at = _end_record(tail)
    if at < 0:
        raise _without_end_record(read, size)
    _, *disks, here, count, length, offset, _ = _END.unpack_from(tail, at)
    modulus, told_at64 = 1 << 16, None
    locator_at = at - _LOCATOR64.size
    if locator_at >= 0 and tail.startswith(_LOCATOR64_SIGNATURE, locator_at):
        _, locator_disk, told_at64, disk_count = _LOCATOR64.unpack_from(tail, locator_at)
        at64 = _end64_record(tail, locator_at)
        _, _, _, _, *disks, here, count, length, offset = _END64.unpack_from(tail, at64)
        disks += [locator_disk, max(0, disk_count - 1)]
        modulus, at = 1 << 64, at64
    if any(disks) or here != count:
        raise StreamappError(Code.ARCHIVE_MULTI_DISK)
    end = base + at
    start = end - length
    if start < offset:
        raise StreamappError(Code.ARCHIVE_BROKEN, "the directory lies outside the archive")
    if told_at64 is not None and told_at64 + start - offset != end:
        raise StreamappError(Code.ARCHIVE_BROKEN, "the Zip64 end record lies elsewhere")
    return Directory(start=start, end=end, count=count, modulus=modulus, shift=start - offset)


def read_exactly(read: Reader, start: int, length: int) -> bytes:
    """``length`` bytes, or ``ARCHIVE_BROKEN``: the archive is shorter than it was said to be."""
    data = read(start, length)
    if len(data) != length:
        raise StreamappError(Code.ARCHIVE_BROKEN, "the archive is shorter than its size says")
    return data


def _end_record(tail: bytes) -> int:
    """Where the end record begins in ``tail``, -1 without one.

    The last one whose comment fills the file exactly; else, for an archive with bytes appended
    to it, the last one.
    """
    last = found = tail.rfind(_END_SIGNATURE, 0, max(0, len(tail) - _END.size + 4))
    while found >= 0:
        comment_bytes = _END.unpack_from(tail, found)[-1]
        if found + _END.size + comment_bytes == len(tail):
            return found
        found = tail.rfind(_END_SIGNATURE, 0, found + 3)
    return last


def _end64_record(tail: bytes, locator_at: int) -> int:
    """Where the Zip64 end record begins that ends where its locator begins."""
    at = tail.rfind(_END64_SIGNATURE, 0, locator_at - _END64.size + 4)
    while at >= max(0, locator_at - _END64_BYTES_MAX):
        if at + 12 + _END64.unpack_from(tail, at)[1] == locator_at:
            return at
        at = tail.rfind(_END64_SIGNATURE, 0, at + 3)
    raise StreamappError(Code.ARCHIVE_BROKEN, "the Zip64 end record is missing")


def _without_end_record(read: Reader, size: int) -> StreamappError:
    """A ZIP that was cut off, or no ZIP at all?"""
    if read(0, min(size, 4)) == _LOCAL_SIGNATURE:
        return StreamappError(Code.ARCHIVE_BROKEN, "the end is missing, as if it was cut off")
    return StreamappError(Code.ARCHIVE_NOT_ZIP)
