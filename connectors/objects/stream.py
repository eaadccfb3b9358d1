"""A stream to S3 in parts of 8 MiB, two of them under way while the next is read.

The three buffers are used again and again: memory is theirs alone, however long the stream.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, cycle, islice
from typing import TYPE_CHECKING

from connectors.objects.interface import PART_BYTES
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.interface import Source
    from connectors.objects.uploads import Uploads

PARTS_MAX = 10_000
"""S3's limit; with the parts' size it bounds an object to 78 GiB (84 GB)."""

_PARTS_IN_FLIGHT = 2


def send_stream(uploads: Uploads, key: str, source: Source, content_type: str) -> int:
    """Store what ``source`` gives and return its size; a single part goes with one request.

    When the source or a part fails, the parts under way end first, then the upload is aborted.
    """
    pieces = parts(source, PART_BYTES, PARTS_MAX)
    first = next(pieces, memoryview(b""))
    if len(first) < PART_BYTES:
        uploads.put(key, first, content_type)
        return len(first)
    upload = uploads.start(key, content_type)
    try:
        etags, size = _send_parts(uploads, key, upload, chain((first,), pieces))
        uploads.finish(key, upload, etags)
    except BaseException:
        with suppress(StreamappError):
            uploads.abort(key, upload)
        raise
    return size


def _send_parts(
    uploads: Uploads, key: str, upload: str, pieces: Iterator[memoryview]
) -> tuple[list[str], int]:
    """Send the pieces, at most two at a time, and return the parts' ETags and their size."""
    etags: list[str] = []
    size = 0
    under_way: deque[Future[str]] = deque()
    with ThreadPoolExecutor(_PARTS_IN_FLIGHT) as threads:
        for number, piece in enumerate(pieces, 1):
            size += len(piece)
            if len(under_way) == _PARTS_IN_FLIGHT:
                etags.append(under_way.popleft().result())
            under_way.append(threads.submit(uploads.part, key, upload, number, piece))
        etags.extend(part.result() for part in under_way)
    return etags, size


def parts(source: Source, part_bytes: int, parts_max: int) -> Iterator[memoryview]:
    """What ``source`` gives, in pieces of ``part_bytes``, the last one shorter.

    A piece is good until so many more were taken as may be under way.

    Raises:
        StreamappError: ``ARCHIVE_TOO_LARGE``, when it gives more than ``parts_max`` pieces.
    """
    buffers = [memoryview(bytearray(part_bytes)) for _ in range(_PARTS_IN_FLIGHT + 1)]
    for buffer in islice(cycle(buffers), parts_max):
        piece = buffer[: source.readinto(buffer)]
        if piece:
            yield piece
        if len(piece) < part_bytes:
            return
    if source.readinto(memoryview(bytearray(1))):
        limit = part_bytes * parts_max
        raise StreamappError(Code.ARCHIVE_TOO_LARGE, f"the store takes {limit} bytes an object")
