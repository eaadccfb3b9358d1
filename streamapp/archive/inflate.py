"""A photo's bytes from its compressed ones, never more of them than the directory declared."""

from __future__ import annotations

import zlib

from streamapp.errors import Code, StreamappError

STORED = 0
DEFLATED = 8
METHODS = (STORED, DEFLATED)


def inflate(method: int, raw: bytes | memoryview, photo_bytes: int, crc: int) -> bytes:
    """The ``photo_bytes`` bytes of a photo, checked against the directory's ``crc``.

    Memory stays below twice ``photo_bytes`` (zlib joins its blocks at the end), whatever ``raw``
    would inflate to.

    Raises:
        StreamappError: ``ENTRY_BROKEN``, for data that end early, go on, or have another CRC;
            ``ENTRY_METHOD``.
    """
    if method not in METHODS:
        raise StreamappError(Code.ENTRY_METHOD, f"method {method}")
    photo = bytes(raw) if method == STORED else _inflated(raw, photo_bytes)
    if len(photo) != photo_bytes:
        raise StreamappError(Code.ENTRY_BROKEN, f"not the {photo_bytes} bytes declared")
    if zlib.crc32(photo) != crc:
        raise StreamappError(Code.ENTRY_BROKEN, "the CRC differs")
    return photo


def _inflated(raw: bytes | memoryview, photo_bytes: int) -> bytes:
    """What ``raw`` inflates to, at most one byte more than ``photo_bytes``."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        photo = stream.decompress(raw, photo_bytes + 1)
    except zlib.error as error:
        raise StreamappError(Code.ENTRY_BROKEN, str(error)) from None
    if len(photo) <= photo_bytes and (not stream.eof or stream.unused_data):
        raise StreamappError(Code.ENTRY_BROKEN, "the compressed data end early or go on")
    return photo
