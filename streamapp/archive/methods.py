"""The compression methods an entry may have, each as a stream that is told how much it may give.

Why these libraries: ``ops/decisions/0011-how-entries-are-inflated.md``. The numbers are APPNOTE
4.4.5's.
"""

from __future__ import annotations

import bz2
import lzma
from typing import TYPE_CHECKING, Protocol
from zlib import MAX_WBITS

from backports import zstd
from inflate64 import Inflater
from zlib_ng import zlib_ng

if TYPE_CHECKING:
    from collections.abc import Callable

STORED = 0
DEFLATED = 8
DEFLATED_64 = 9
BZIP2 = 12
LZMA = 14
ZSTD = 93
XZ = 95

BROKEN: tuple[type[Exception], ...] = (
    zlib_ng.error,  # type: ignore[assignment]  # its stub takes the class for an instance
    zstd.ZstdError,
    lzma.LZMAError,
    OSError,
    ValueError,
)
"""What the streams raise for data they cannot read."""

_XZ_MEMORY_BYTES = 80 << 20  # ``xz -9`` needs 65 MiB
_LZMA_HEADER_BYTES = 9  # version, length of the properties, properties
_LZMA_DICTIONARY_BYTES_MIN = 4096
_STEP_BYTES = 64


class Stream(Protocol):
    """What compressed data are inflated by, as in the standard library."""

    @property
    def eof(self) -> bool:
        """Whether the compressed data said that they end."""

    @property
    def unused_data(self) -> bytes:
        """What followed their end."""

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        """What ``data`` inflate to, up to ``max_length`` bytes."""


class Deflate64:
    """Deflate64, which cannot be told to stop: fed in steps so small that it need not be.

    64 bytes inflate to 1.7 MB at most; so much more than ``max_length`` may be returned.
    """

    unused_data = b""  # the CRC has to tell

    def __init__(self) -> None:
        self._inflater = Inflater()

    @property
    def eof(self) -> bool:
        """Whether the compressed data said that they end."""
        return bool(self._inflater.eof)

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        """What ``data`` inflate to, not much more than ``max_length`` bytes."""
        inflated = bytearray()
        for at in range(0, len(data), _STEP_BYTES):
            inflated += self._inflater.inflate(data[at : at + _STEP_BYTES])
            if len(inflated) >= max_length:
                break
        return bytes(inflated)


class Lzma:
    """LZMA1 with its properties in front (APPNOTE 5.8), mostly without a mark at the end."""

    eof = True
    unused_data = b""

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        """What ``data`` inflate to, up to ``max_length`` bytes."""
        properties = data[4:_LZMA_HEADER_BYTES]
        dictionary_bytes = int.from_bytes(properties[1:], "little")
        lc_lp_pb = properties[0] if len(properties) else 0
        filters = {
            "id": lzma.FILTER_LZMA1,
            # More than is inflated is of no use, and memory is taken for what is said here.
            "dict_size": max(min(dictionary_bytes, max_length), _LZMA_DICTIONARY_BYTES_MIN),
            "lc": lc_lp_pb % 9,
            "lp": lc_lp_pb // 9 % 5,
            "pb": lc_lp_pb // 45,
        }
        stream = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])
        return stream.decompress(data[_LZMA_HEADER_BYTES:], max_length)


def _xz() -> Stream:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


def _deflate() -> Stream:
    return zlib_ng.decompressobj(-MAX_WBITS)


STREAMS: dict[int, Callable[[], Stream]] = {
    DEFLATED: _deflate,
    DEFLATED_64: Deflate64,
    BZIP2: bz2.BZ2Decompressor,
    LZMA: Lzma,
    ZSTD: zstd.ZstdDecompressor,
    XZ: _xz,
}
"""A new stream for each photo."""

METHODS = frozenset({STORED, *STREAMS})
