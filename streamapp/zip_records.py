"""The records of a ZIP of stored files, each CRC behind its data: PKWARE's APPNOTE 4.3.7 to 4.3.16.

The same files give the same bytes: dates and permissions are fixed, and the length of every record
is known before its file was read. What needs Zip64 has it, and nothing else.
"""

from __future__ import annotations

from struct import Struct, pack
from typing import NamedTuple

_LOCAL = Struct("<4s5H3L2H")
_DESCRIPTOR = Struct("<4s3L")
_DESCRIPTOR64 = Struct("<4sL2Q")
_CENTRAL = Struct("<4s6H3L5H2L")
_END = Struct("<4s4H2LH")
_END64 = Struct("<4sQ2H2L4Q")
_LOCATOR64 = Struct("<4sLQL")

_MAX16 = 0xFFFF
_MAX32 = 0xFFFFFFFF
_STORED = 0
_TIME, _DATE = 0, 0x21  # the first moment that ZIP knows, in 1980
_CRC_BEHIND = 0x0008
_UTF8 = 0x0800
_VERSION = 45  # Zip64
_UNIX = 3 << 8
_PLAIN_FILE = 0o100644 << 16
_EXTRA64 = 1


class Member(NamedTuple):
    """A file of the archive: its name as it is written there, its size in bytes."""

    name: bytes
    size: int


def member_bytes(member: Member) -> int:
    """What a member takes up in front of the directory."""
    zip64 = _is_large(member)
    local = _LOCAL.size + len(member.name) + (20 if zip64 else 0)
    return local + member.size + (_DESCRIPTOR64 if zip64 else _DESCRIPTOR).size


def local_header(member: Member) -> bytes:
    """What goes before the data."""
    zip64 = _is_large(member)
    extra = pack("<2H2Q", _EXTRA64, 16, 0, 0) if zip64 else b""
    size = _MAX32 if zip64 else 0
    return (
        _LOCAL.pack(
            *(b"PK\3\4", _VERSION, _flags(member), _STORED, _TIME, _DATE, 0, size, size),
            *(len(member.name), len(extra)),
        )
        + member.name
        + extra
    )


def descriptor(member: Member, crc: int) -> bytes:
    """What goes behind the data."""
    record = _DESCRIPTOR64 if _is_large(member) else _DESCRIPTOR
    return record.pack(b"PK\7\x08", crc, member.size, member.size)


def directory_entry(member: Member, *, crc: int, at: int) -> bytes:
    """The member in the directory; its local header is at byte ``at``."""
    large = [member.size, member.size] if _is_large(member) else []
    far = [at] if at >= _MAX32 else []
    values = large + far
    extra = pack(f"<2H{len(values)}Q", _EXTRA64, 8 * len(values), *values) if values else b""
    size = _MAX32 if large else member.size
    return (
        _CENTRAL.pack(
            *(b"PK\1\2", _UNIX | _VERSION, _VERSION, _flags(member), _STORED, _TIME, _DATE),
            *(crc, size, size, len(member.name), len(extra), 0, 0, 0, _PLAIN_FILE),
            _MAX32 if far else at,
        )
        + member.name
        + extra
    )


def directory_entry_bytes(member: Member, at: int) -> int:
    """The length of `directory_entry`."""
    return len(directory_entry(member, crc=0, at=at))


def end(count: int, *, at: int, size: int) -> bytes:
    """What closes the archive: ``count`` entries in the directory of ``size`` bytes at ``at``."""
    record64 = b""
    if count >= _MAX16 or at >= _MAX32 or size >= _MAX32:
        rest = _END64.size - 12
        record64 = _END64.pack(
            *(b"PK\6\6", rest, _UNIX | _VERSION, _VERSION, 0, 0, count, count, size, at)
        ) + _LOCATOR64.pack(b"PK\6\7", 0, at + size, 1)
    short = min(count, _MAX16)
    return record64 + _END.pack(
        b"PK\5\6", 0, 0, short, short, min(size, _MAX32), min(at, _MAX32), 0
    )


def _is_large(member: Member) -> bool:
    return member.size >= _MAX32


def _flags(member: Member) -> int:
    try:
        member.name.decode()
    except UnicodeDecodeError:
        return _CRC_BEHIND
    return _CRC_BEHIND | (0 if member.name.isascii() else _UTF8)
