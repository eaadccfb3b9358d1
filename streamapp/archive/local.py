"""The local header in front of an entry's data, which must agree with the directory.

Where the data begin, only it tells. Follows APPNOTE 4.3.7.
"""

from __future__ import annotations

from struct import Struct

import msgspec

from streamapp.archive.faults import is_encrypted
from streamapp.errors import Code, StreamappError

_LOCAL = Struct("<4s2x2H4x3L2H")
_SIGNATURE = b"PK\3\4"
_DESCRIPTOR_FOLLOWS = 0x8
_FULL_32 = 0xFFFFFFFF

LOCAL_HEADER_BYTES = _LOCAL.size


class Local(msgspec.Struct, frozen=True):
    """What a local header says."""

    flags: int
    method: int
    crc: int
    compressed_bytes: int
    photo_bytes: int
    name_bytes: int
    extra_bytes: int

    @property
    def data_at(self) -> int:
        """Where the data begin, in bytes from the header's start."""
        return LOCAL_HEADER_BYTES + self.name_bytes + self.extra_bytes

    def agrees(self, *, method: int, crc: int, compressed_bytes: int, photo_bytes: int) -> bool:
        """Whether it is the header of an entry of which the directory says this.

        Size and CRC may be told later, in a data descriptor, and a size in the Zip64 field.
        """
        if method != self.method or is_encrypted(self.flags, self.method):
            return False
        return bool(self.flags & _DESCRIPTOR_FOLLOWS) or (
            crc == self.crc
            and self.compressed_bytes in (compressed_bytes, _FULL_32)
            and self.photo_bytes in (photo_bytes, _FULL_32)
        )


def local_header(data: bytes | memoryview) -> Local:
    """The header at the start of ``data``; ``ENTRY_BROKEN`` when there is none."""
    if len(data) < _LOCAL.size or data[:4] != _SIGNATURE:
        raise StreamappError(Code.ENTRY_BROKEN, "no local header where the directory has one")
    return Local(*_LOCAL.unpack_from(data)[1:])
