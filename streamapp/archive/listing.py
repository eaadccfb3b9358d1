"""A listing: objects of the store that are photos themselves, one JSON line for each.

Nothing of them is copied. A line says which object, and how large it was when it was listed;
whether it still is, only reading it tells (see `runs`). Read in pieces, from any line on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from streamapp.archive.end import read_exactly
from streamapp.archive.names import NAME_CHARACTERS_MAX
from streamapp.archive.rules import Entry
from streamapp.errors import Code, StreamappError
from streamapp.events import WHOLE_OBJECT, Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.archive.end import Reader
    from streamapp.archive.faults import Limits

PIECE_BYTES = 256 << 10
LINE_BYTES_MAX = 8 << 10
"""More than the longest key takes with every character escaped."""

_START = Cursor()


class _Line(msgspec.Struct, frozen=True):
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS_MAX)]
    size: Annotated[int, msgspec.Meta(ge=0)]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def listing_line(key: str, size: int) -> bytes:
    """The line of an object of ``size`` bytes."""
    return _encode(_Line(key, size)) + b"\n"


def listed(read: Reader, size: int, limits: Limits, *, start: Cursor = _START) -> Iterator[Entry]:
    """The photos from ``start`` on of a listing of ``size`` bytes; a photo's name is its key.

    Raises:
        StreamappError: ``ARCHIVE_BROKEN``.
    """
    index = start.index
    for line, next_at in _lines(read, size, start.entry_at):
        yield _entry(line, limits, Cursor(index=index + 1, entry_at=next_at))
        index += 1


def _lines(read: Reader, size: int, at: int) -> Iterator[tuple[bytes, int]]:
    """Each line from byte ``at`` on, and where the next one begins."""
    rest, next_at = b"", at
    while at < size:
        piece = read_exactly(read, at, min(PIECE_BYTES, size - at))
        at += len(piece)
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            next_at += len(line) + 1
            yield line, next_at
        if len(rest) > LINE_BYTES_MAX:
            raise StreamappError(Code.ARCHIVE_BROKEN, f"byte {next_at}: a line without an end")
    if rest:
        raise StreamappError(Code.ARCHIVE_BROKEN, f"byte {next_at}: a line without an end")


def _entry(line: bytes, limits: Limits, after: Cursor) -> Entry:
    try:
        found = _decode(line)
    except msgspec.MsgspecError as error:
        where = f"line of photo {after.index - 1}"
        raise StreamappError(Code.ARCHIVE_BROKEN, f"{where}: {error}") from None
    too_large = found.size > limits.photo_bytes_max
    return Entry(
        index=after.index - 1,
        name=found.key,
        header_offset=0,
        compressed_bytes=found.size,
        photo_bytes=found.size,
        method=WHOLE_OBJECT,
        crc=0,
        fault=Code.ENTRY_TOO_LARGE if too_large else None,
        detail=f"{found.size} bytes" if too_large else "",
        after=after,
    )
