"""A photo's bytes from its compressed ones, never more of them than the directory declared."""

from __future__ import annotations

from zlib_ng import zlib_ng

from streamapp.archive.methods import BROKEN, METHODS, STORED, STREAMS
from streamapp.errors import Code, StreamappError


def inflate(method: int, raw: bytes | memoryview, photo_bytes: int, crc: int) -> bytes:
    """The ``photo_bytes`` bytes of a photo, checked against the directory's ``crc``.

    Memory stays below twice ``photo_bytes`` (blocks are joined at the end) and what the method
    needs for itself, whatever ``raw`` would inflate to.

    Raises:
        StreamappError: ``ENTRY_BROKEN``, for data that end early, go on, or have another CRC;
            ``ENTRY_METHOD``.
    """
    if method not in METHODS:
        raise StreamappError(Code.ENTRY_METHOD, f"method {method}")
    photo = bytes(raw) if method == STORED else _inflated(method, raw, photo_bytes)
    if len(photo) != photo_bytes:
        raise StreamappError(Code.ENTRY_BROKEN, f"not the {photo_bytes} bytes declared")
    if zlib_ng.crc32(photo) != crc:
        raise StreamappError(Code.ENTRY_BROKEN, "the CRC differs")
    return photo


def _inflated(method: int, raw: bytes | memoryview, photo_bytes: int) -> bytes:
    """What ``raw`` inflates to, hardly more than ``photo_bytes``."""
    try:
        stream = STREAMS[method]()
        photo = stream.decompress(raw, photo_bytes + 1)
    except BROKEN as error:
        raise StreamappError(Code.ENTRY_BROKEN, str(error)) from None
    if len(photo) <= photo_bytes and (not stream.eof or stream.unused_data):
        raise StreamappError(Code.ENTRY_BROKEN, "the compressed data end early or go on")
    return photo
