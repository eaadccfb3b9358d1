"""One photo of an archive, piece by piece: for whoever wants it as it came, however large it is.

Stored and deflated entries pass through in pieces of `PIECE_BYTES`; of the rare other methods the
whole photo is in memory for a moment, as `inflate` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import MAX_WBITS

from zlib_ng import zlib_ng

from streamapp.archive.inflate import inflate
from streamapp.archive.methods import BROKEN, DEFLATED, STORED
from streamapp.archive.runs import byte_range, data_start
from streamapp.errors import Code, StreamappError
from streamapp.events import WHOLE_OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.archive.end import Reader
    from streamapp.archive.runs import ClaimCheck

PIECE_BYTES = 1 << 20


def pieces(read: Reader, photo: ClaimCheck) -> Iterator[bytes]:
    """The bytes of a photo. Only when the last one was taken without an error are they the photo's.

    Never more than were declared. ``read`` is of the object that the photo lies in, or is.

    Raises:
        StreamappError: ``ENTRY_BROKEN``, ``ENTRY_METHOD``, also in the middle.
        Exception: whatever ``read`` raises.
    """
    if photo.method == WHOLE_OBJECT:
        yield from _checked(_raw(read, 0, photo.photo_bytes + 1), photo)
        return
    start, length = byte_range([photo])
    header = memoryview(read(start, min(length, length - photo.compressed_bytes)))
    at = data_start(photo, header, start)
    if photo.method not in (STORED, DEFLATED):
        raw = read(at, photo.compressed_bytes)
        yield inflate(photo.method, raw, photo.photo_bytes, photo.crc)
        return
    compressed = _raw(read, at, photo.compressed_bytes)
    yield from _checked(
        compressed if photo.method == STORED else _inflated(compressed, photo.photo_bytes), photo
    )


def _raw(read: Reader, at: int, length: int) -> Iterator[bytes]:
    end = at + length
    while at < end and (piece := read(at, min(PIECE_BYTES, end - at))):
        at += len(piece)
        yield piece


def _inflated(compressed: Iterator[bytes], photo_bytes: int) -> Iterator[bytes]:
    stream, left = zlib_ng.decompressobj(-MAX_WBITS), photo_bytes + 1
    try:
        for piece in compressed:
            rest = piece
            while rest and left > 0:
                inflated = stream.decompress(rest, min(PIECE_BYTES, left))
                rest, left = stream.unconsumed_tail, left - len(inflated)
                yield inflated
        # What the last byte still held back, and one byte more when there is more than declared.
        while left > 0 and (inflated := stream.decompress(b"", min(PIECE_BYTES, left))):
            left -= len(inflated)
            yield inflated
    except BROKEN as error:
        raise StreamappError(Code.ENTRY_BROKEN, str(error)) from None
    if left > 0 and (not stream.eof or stream.unused_data):
        raise StreamappError(Code.ENTRY_BROKEN, "the compressed data end early or go on")


def _checked(content: Iterator[bytes], photo: ClaimCheck) -> Iterator[bytes]:
    size = crc = 0
    for piece in content:
        size += len(piece)
        crc = zlib_ng.crc32(piece, crc)
        if size > photo.photo_bytes:
            break
        yield piece
    if size != photo.photo_bytes:
        raise StreamappError(Code.ENTRY_BROKEN, f"not the {photo.photo_bytes} bytes declared")
    if photo.method != WHOLE_OBJECT and crc != photo.crc:
        raise StreamappError(Code.ENTRY_BROKEN, "the CRC differs")
