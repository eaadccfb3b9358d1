"""The rows of a batch as CSV, JSON Lines or Parquet: streamed, with the same columns in each.

Memory is some pages of rows.
"""

from __future__ import annotations

import csv
import io
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streamapp import result_rows
from streamapp.upload.crop_names import crop_name
from streamapp.upload.parquet import parquet_pieces

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from connectors.records.interface import PhotoRecord
    from streamapp.result_rows import ResultRow

    Rows = AsyncIterator[tuple[int, ResultRow]]

COLUMNS = ("photo_index", *result_rows.COLUMNS)

PIECE_CHARACTERS = 64 << 10


async def results(records: AsyncIterator[PhotoRecord]) -> AsyncGenerator[tuple[int, ResultRow]]:
    """The rows with their photo's index; a crop is called as in ``crops.zip``."""
    async for record in records:
        crop = crop_name(record) if record.face_crop_url else None
        yield record.photo_index, result_rows.result_row(record, crop)


async def csv_pieces(rows: Rows) -> AsyncGenerator[bytes, None]:
    """RFC 4180, UTF-8, with a header; see `result_rows.csv_text` for what is written otherwise."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    async for index, row in rows:
        writer.writerow([index, *result_rows.csv_cells(row)])
        if buffer.tell() >= PIECE_CHARACTERS:
            yield _taken(buffer)
    yield _taken(buffer)


async def jsonl_pieces(rows: Rows) -> AsyncGenerator[bytes, None]:
    """An object for each row, on a line of its own."""
    encoder, lines = msgspec.json.Encoder(), bytearray()
    async for index, row in rows:
        lines += encoder.encode({"photo_index": index, **msgspec.structs.asdict(row)}) + b"\n"
        if len(lines) >= PIECE_CHARACTERS:
            yield bytes(lines)
            lines.clear()
    yield bytes(lines)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


class Format(NamedTuple):
    """How results are written."""

    pieces: Callable[[Rows], AsyncGenerator[bytes, None]]
    media_type: str


FORMATS = {
    "csv": Format(csv_pieces, "text/csv; charset=utf-8"),
    "jsonl": Format(jsonl_pieces, "application/jsonl"),
    "parquet": Format(parquet_pieces, "application/vnd.apache.parquet"),
}


async def export(records: AsyncIterator[PhotoRecord], form: Format) -> AsyncGenerator[bytes, None]:
    """The records in a form."""
    async with aclosing(results(records)) as rows, aclosing(form.pieces(rows)) as pieces:
        async for piece in pieces:
            yield piece
