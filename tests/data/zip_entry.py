"""Entries of ZIP archives written field by field, each of which can lie (APPNOTE 4.3.7, 12)."""

from __future__ import annotations

import stat
import zlib
from struct import Struct
from typing import Any, NamedTuple, Self

STORED, DEFLATED = 0, 8
DESCRIPTOR_FLAG, UTF8_FLAG = 1 << 3, 1 << 11

_LOCAL = Struct("<4sHHHHHLLLHH")
_LISTED = Struct("<4sBBHHHHHLLLHHHHHLL")


class Header(NamedTuple):
    """What both headers of an entry say."""

    name: bytes
    crc: int
    compressed: int
    size: int
    method: int = DEFLATED
    flags: int = 0
    extra: bytes = b""

    def written(self) -> bytes:
        """As a local header."""
        name, crc, compressed, size, method, flags, extra = self
        return (
            _LOCAL.pack(
                b"PK\3\4", 20, flags, method, 0, 33, crc, compressed, size, len(name), len(extra)
            )
            + name
            + extra
        )


class Entry(NamedTuple):
    """An entry: local header, data and descriptor, and what the directory says of it.

    ``offset`` is where the directory says it lies, None for where it does.
    """

    local: Header
    data: bytes
    listed: Header
    descriptor: bytes = b""
    offset: int | None = None
    mode: int = stat.S_IFREG | 0o644
    dos: int = 0
    system: int = 3
    disk: int = 0
    comment: bytes = b""

    def but(self, **fields: Any) -> Self:
        """Both headers say otherwise."""
        return self.headed(**fields).listing(**fields)

    def headed(self, **fields: Any) -> Self:
        """Its local header says otherwise."""
        return self._replace(local=self.local._replace(**fields))

    def listing(self, **fields: Any) -> Self:
        """The directory says otherwise."""
        return self._replace(listed=self.listed._replace(**fields))

    def written(self) -> bytes:
        """Header, data, descriptor."""
        return self.local.written() + self.data + self.descriptor

    def directory_entry(self, at: int) -> bytes:
        """Its entry in the directory, ``at`` being where it lies."""
        name, crc, compressed, size, method, flags, extra = self.listed
        lengths = (len(name), len(extra), len(self.comment))
        attributes = self.mode << 16 | self.dos
        offset = at if self.offset is None else self.offset
        return (
            _LISTED.pack(
                *(b"PK\1\2", 20, self.system, 20, flags, method, 0, 33, crc, compressed, size),
                *(*lengths, self.disk, 0, attributes, offset),
            )
            + name
            + extra
            + self.comment
        )


def entry(
    name: str | bytes, content: bytes, method: int = DEFLATED, data: bytes | None = None
) -> Entry:
    """An honest entry; ``data`` is the content in ``method`` where that is neither of the two."""
    if data is None:
        data = content if method == STORED else deflated(content)
    raw = name.encode() if isinstance(name, str) else name
    header = Header(raw, zlib.crc32(content), len(data), len(content), method)
    return Entry(header, data, header)


def deflated(content: bytes) -> bytes:
    """``content`` as one raw deflate stream."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()
