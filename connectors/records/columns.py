"""How a record becomes the columns of a row, and a row a record again.

Names come out of archives nobody vouches for, and a bad name must never hold up a batch: what
UTF-8 cannot carry (lone surrogates) is written as ``?``, and what is longer than its column is
cut. Ids are ours and are never cut, since two of them could become one. Times are kept to the
microsecond, as text a person can read, in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from connectors.records.interface import BatchRecord, PhotoRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

COLUMNS = PhotoRecord.__struct_fields__
"""All of ``data_records`` that are written, ``id`` first."""
BATCH_COLUMNS = BatchRecord.__struct_fields__
"""All of ``batches`` that are written, ``id`` first."""
PAGE_ROWS = 500
"""How many rows of a batch are in memory at a time when they are read."""

_LENGTHS = {
    "project_id": 255,
    "external_id": 255,
    "photo_name": 1024,
    "cropped_photo_url": 1024,
    "face_crop_url": 1024,
    "face_rejected": 16,
    "error_code": 64,
    "error_detail": 1024,
}
_TIMES = {"finished_at", "created_at", "started_at", "ended_at"}


def merged(rows: Sequence[PhotoRecord]) -> list[PhotoRecord]:
    """The rows that would be left had the outcomes been written one by one.

    Sorted by id, so that concurrent writers take their locks in the same order.
    """
    best: dict[tuple[str, int], tuple[bool, bool, int, bool]] = {}
    for row in rows:
        photo = row.batch_id, row.photo_index
        best[photo] = max(best.get(photo, _rank(row)), _rank(row))
    final = {row.id: row for row in rows if _rank(row) == best[row.batch_id, row.photo_index]}
    return [final[key] for key in sorted(final)]


def _rank(row: PhotoRecord) -> tuple[bool, bool, int, bool]:
    """What goes before what, see `RecordStore.upsert`; the SQL says the same."""
    status = row.processing_status
    return status != "queued", status != "cancelled", row.run, status == "completed"


def with_other_faces(rows: Sequence[PhotoRecord]) -> dict[str, list[int]]:
    """The photos, by batch, that may have rows of faces that are not of their outcome.

    Those that another run may have found, or this one of several; of all others a row that was
    written is the only one.
    """
    photos: dict[str, set[int]] = {}
    for row in rows:
        if row.run > 1 or row.face_index:
            photos.setdefault(text(row.batch_id), set()).add(row.photo_index)
    return {batch: sorted(photos[batch]) for batch in sorted(photos)}


def to_values(record: PhotoRecord | BatchRecord) -> tuple[Any, ...]:
    """The record in the order of its columns, as a database takes it."""
    columns = zip(record.__struct_fields__, msgspec.structs.astuple(record), strict=True)
    return tuple(_value(column, value) for column, value in columns)


def to_record(values: Sequence[Any]) -> PhotoRecord:
    """The record of a row that was selected in the order of `COLUMNS`."""
    row = _row(COLUMNS, values)
    return PhotoRecord(**row | {"face_detected": bool(row["face_detected"])})


def to_batch(values: Sequence[Any]) -> BatchRecord:
    """The record of a row that was selected in the order of `BATCH_COLUMNS`."""
    return BatchRecord(**_row(BATCH_COLUMNS, values))


def to_time(value: Any) -> float:
    """The Unix seconds of a time that was selected."""
    return datetime.fromisoformat(str(value)).replace(tzinfo=UTC).timestamp()


def text(value: str, length: int | None = None) -> str:
    """``value`` as UTF-8 can carry it, at most ``length`` characters of it."""
    return value[:length].encode("utf-8", "replace").decode()


async def paged(
    read: Callable[[int, int], Awaitable[list[PhotoRecord]]],
) -> AsyncIterator[PhotoRecord]:
    """The rows of a batch; ``read(photo, face)`` gives the next page beyond these indexes."""
    photo, face = -1, -1
    while page := await read(photo, face):
        for row in page:
            yield row
        photo, face = page[-1].photo_index, page[-1].face_index


def _row(columns: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip(columns, values, strict=True))
    for column in _TIMES & row.keys():
        if row[column] is not None:
            row[column] = to_time(row[column])
    return row


def _value(column: str, value: Any) -> Any:
    if column in _TIMES and value is not None:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return text(value, _LENGTHS.get(column)) if isinstance(value, str) else value
