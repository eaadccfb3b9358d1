"""The central directory as a stream of raw entries, read in pieces over ranged reads.

Memory is one piece, however many entries there are (why not ``zipfile``:
``ops/decisions/0001-own-central-directory-reader.md``). What is malformed in the directory's
form raises `StreamappError` with ``ARCHIVE_BROKEN`` or ``ARCHIVE_MULTI_DISK``; what the entries
say is not judged here but in `rules`. Follows PKWARE's APPNOTE 4.3.12 and 4.5.3.
"""

from __future__ import annotations

import stat
from struct import Struct
from typing import TYPE_CHECKING

import msgspec

from streamapp.archive.end import read_exactly
from streamapp.archive.extra import ZIP64_ID, extra_field
from streamapp.archive.names import decode_name
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.archive.end import Directory, Reader

PIECE_BYTES = 1 << 20

_ENTRY = Struct("<4xBBHHHLLLLHHHHHLL")
_ENTRY_SIGNATURE = b"PK\1\2"
_ENTRY_BYTES_MAX = _ENTRY.size + 3 * 0xFFFF
_FULL_32 = 0xFFFFFFFF
_FULL_16 = 0xFFFF
_UNIX_SYSTEMS = (3, 19)
_DOS_DIRECTORY = 0x10


class RawEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry as the directory states it; sizes and offsets in bytes, offsets of the file.

    ``name_bytes`` is the length of the name as written; ``file_type`` Unix's (``stat.S_IFMT``),
    0 when the entry does not say; ``next_at`` where the next entry begins, from the directory's
    start.
    """

    name: str
    name_bytes: int
    flags: int
    method: int
    crc: int
    compressed_bytes: int
    photo_bytes: int
    header_offset: int
    file_type: int
    next_at: int


def entries(read: Reader, directory: Directory, start: int = 0) -> Iterator[RawEntry]:
    """Every entry, in directory order, from the one at ``start`` on (bytes into the directory).

    Raises:
        StreamappError: ``ARCHIVE_BROKEN`` or ``ARCHIVE_MULTI_DISK``, when the iteration gets there.
    """
    buffer, base, at, found = b"", start, start, 0
    length, shift = directory.end - directory.start, directory.shift
    while at < length:
        buffered = base + len(buffer)
        if buffered - at < _ENTRY_BYTES_MAX and buffered < length:
            piece_bytes = min(PIECE_BYTES, length - buffered)
            piece = read_exactly(read, directory.start + buffered, piece_bytes)
            buffer, base = buffer[at - base :] + piece, at
        entry = _entry(buffer, at - base, base, shift)
        at = entry.next_at
        found += 1
        yield entry
    if not start and found % directory.modulus != directory.count:
        claim = f"{directory.count} entries claimed, {found} found"
        raise StreamappError(Code.ARCHIVE_BROKEN, claim)


def _entry(buffer: bytes, at: int, base: int, shift: int) -> RawEntry:
    """The entry at ``at`` of a buffer that begins ``base`` bytes into the directory."""
    name_at = at + _ENTRY.size
    if len(buffer) < name_at or not buffer.startswith(_ENTRY_SIGNATURE, at):
        raise StreamappError(Code.ARCHIVE_BROKEN, "an entry of the directory is damaged")
    # fmt: off
    (
        _, system, _, flags, method, _, crc, compressed_bytes, photo_bytes,
        name_bytes, extra_bytes, comment_bytes, disk, _, attributes, offset,
    ) = _ENTRY.unpack_from(buffer, at)
    # fmt: on
    extra_at = name_at + name_bytes
    end = extra_at + extra_bytes + comment_bytes
    if end > len(buffer):
        raise StreamappError(Code.ARCHIVE_BROKEN, "the directory ends within an entry")
    extra = buffer[extra_at : extra_at + extra_bytes]
    if _FULL_32 in (photo_bytes, compressed_bytes, offset) or disk:
        (photo_bytes, compressed_bytes, offset), disk = _widened(
            (photo_bytes, compressed_bytes, offset), disk, extra_field(extra, ZIP64_ID) or b""
        )
    if disk:
        raise StreamappError(Code.ARCHIVE_MULTI_DISK)
    return RawEntry(
        decode_name(buffer[name_at:extra_at], extra),
        name_bytes,
        flags,
        method,
        crc,
        compressed_bytes,
        photo_bytes,
        offset + shift,
        _file_type(system, attributes, photo_bytes),
        base + end,
    )


def _file_type(system: int, attributes: int, photo_bytes: int) -> int:
    """Unix's file type (APPNOTE 4.4.15); a directory by DOS's bit only when it holds nothing."""
    if attributes & _DOS_DIRECTORY and not photo_bytes:
        return stat.S_IFDIR
    return attributes >> 16 & 0xF000 if system in _UNIX_SYSTEMS else 0


def _widened(values: tuple[int, ...], disk: int, field: bytes) -> tuple[tuple[int, ...], int]:
    """The 32-bit values that are full, and the disk when it is, replaced from the Zip64 field."""
    wide, at = [], 0
    for value in values:
        if value == _FULL_32 and field:
            if at + 8 > len(field):
                raise StreamappError(Code.ARCHIVE_BROKEN, "a Zip64 field is too short")
            wide.append(int.from_bytes(field[at : at + 8], "little"))
            at += 8
        else:
            wide.append(value)
    if disk == _FULL_16 and field:
        disk = int.from_bytes(field[at : at + 4], "little")
    return tuple(wide), disk
