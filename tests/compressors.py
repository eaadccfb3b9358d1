"""What zippers do to an entry's data, by the number of the method."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import TYPE_CHECKING

from backports import zstd
from inflate64 import Deflater

from streamapp.archive.methods import BZIP2, DEFLATED, DEFLATED_64, LZMA, STORED, XZ, ZSTD

if TYPE_CHECKING:
    from collections.abc import Callable


def deflated(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(content) + stream.flush()


def deflated_64(content: bytes) -> bytes:
    stream = Deflater()
    return bytes(stream.deflate(content) + stream.flush())


def lzma_1(content: bytes) -> bytes:
    """As APPNOTE 5.8 wants it, with the default properties and a dictionary of 8 MiB."""
    stream = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1}])
    header = struct.pack("<BBHBL", 9, 20, 5, 0x5D, 8 << 20)
    return header + stream.compress(content) + stream.flush()


COMPRESSORS: dict[int, Callable[[bytes], bytes]] = {
    STORED: bytes,
    DEFLATED: deflated,
    DEFLATED_64: deflated_64,
    BZIP2: bz2.compress,
    LZMA: lzma_1,
    ZSTD: zstd.compress,
    XZ: lzma.compress,
}
