"""Runs: neighbouring photos of one archive, read with one ranged read.

The claim check says where a photo's local header is and how long its compressed data are; where
the data begin, only the local header tells. So a run's range is its photos' with some slack for
the last header, and a rare photo with a longer header costs a second read.

A photo that is an object of its own (`events.WHOLE_OBJECT`) is a run of its own, read whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.archive.inflate import inflate
from streamapp.archive.local import LOCAL_HEADER_BYTES, local_header
from streamapp.archive.names import can_be_opened, decode_name
from streamapp.errors import Code, StreamappError
from streamapp.events import WHOLE_OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamapp.archive.end import Reader
    from streamapp.archive.rules import Entry
    from streamapp.events import PhotoQueued

    ClaimCheck = Entry | PhotoQueued
    """What says where a photo lies and what its bytes must be."""

RUN_PHOTOS = 32
RUN_BYTES = 8 << 20
GAP_BYTES_MAX = 64 << 10
SLACK_BYTES = 4 << 10

_OWN_FAULTS = (Code.ENTRY_BROKEN, Code.ENTRY_METHOD)


def joins(run: Sequence[PhotoQueued], photo: PhotoQueued) -> bool:
    """Whether ``photo`` may be appended to ``run`` (an empty one takes any photo).

    It must follow the last one closely in the same archive (indexes may leave out failed photos),
    and the run stay within `RUN_PHOTOS` and `RUN_BYTES`; only a single photo may be larger.
    """
    if not run:
        return True
    gap = photo.header_offset - _least_end(run[-1])
    return (
        WHOLE_OBJECT not in (photo.method, run[-1].method)
        and (photo.batch, photo.run) == (run[-1].batch, run[-1].run)
        and photo.archive == run[-1].archive
        and photo.index > run[-1].index
        and 0 <= gap <= GAP_BYTES_MAX
        and len(run) < RUN_PHOTOS
        and _least_end(photo) - run[0].header_offset <= RUN_BYTES
    )


def byte_range(run: Sequence[ClaimCheck]) -> tuple[int, int]:
    """``(start, length)`` of the read that covers a run, unless its last header is a long one."""
    start = run[0].header_offset
    slack = len(run[-1].name.encode()) + SLACK_BYTES
    return start, _least_end(run[-1]) + slack - start


def read_run(
    read: Reader, run: Sequence[PhotoQueued]
) -> Iterator[tuple[PhotoQueued, bytes | StreamappError]]:
    """Each photo of a run with its bytes, or with the ``ENTRY_BROKEN`` that is its own fault.

    Raises:
        Exception: whatever ``read`` raises (the store is away), in the middle too.
    """
    if run[0].method == WHOLE_OBJECT:
        yield run[0], _whole(read, run[0])
        return
    start, length = byte_range(run)
    data = memoryview(read(start, length))
    for photo in run:
        yield photo, _photo(read, photo, data, start)


def _whole(read: Reader, photo: PhotoQueued) -> bytes | StreamappError:
    content = read(0, photo.photo_bytes + 1)
    if len(content) != photo.photo_bytes:
        return StreamappError(Code.ENTRY_BROKEN, "the object changed after it was listed")
    return content


def _photo(
    read: Reader, photo: PhotoQueued, data: memoryview, start: int
) -> bytes | StreamappError:
    """The photo's bytes, out of ``data``, which begin at byte ``start`` of the archive."""
    try:
        at = data_start(photo, data, start)
        raw: bytes | memoryview = data[at - start :][: photo.compressed_bytes]
        if len(raw) < photo.compressed_bytes:
            raw = read(at, photo.compressed_bytes)
        return inflate(photo.method, raw, photo.photo_bytes, photo.crc)
    except StreamappError as error:
        if error.code not in _OWN_FAULTS:
            raise
        return error


def data_start(photo: ClaimCheck, data: memoryview, start: int) -> int:
    """Where the photo's compressed data begin, from a local header that fits the claim check."""
    header = data[photo.header_offset - start :]
    local = local_header(header)
    extra_at = LOCAL_HEADER_BYTES + local.name_bytes
    raw_name, extra = header[LOCAL_HEADER_BYTES:extra_at], header[extra_at : local.data_at]
    if not local.agrees(
        method=photo.method,
        crc=photo.crc,
        compressed_bytes=photo.compressed_bytes,
        photo_bytes=photo.photo_bytes,
    ) or not _is_name(decode_name(bytes(raw_name), bytes(extra)), photo.name):
        raise StreamappError(Code.ENTRY_BROKEN, "the local header belongs to another file")
    return photo.header_offset + local.data_at


def _is_name(name: str, photo_name: str) -> bool:
    """Whether the photo has this name in its archive, which may lie within another one."""
    outer = photo_name.removesuffix(f"/{name}")
    return name == photo_name or (outer != photo_name and can_be_opened(outer))


def _least_end(photo: ClaimCheck) -> int:
    return photo.header_offset + LOCAL_HEADER_BYTES + photo.compressed_bytes
