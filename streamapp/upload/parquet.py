"""Results as Parquet, written by a thread of its own, a row group at a time.

The thread and whoever takes the pieces take turns, so it waits for a client that is slow; it ends
when they do.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

from streamapp.result_rows import COLUMNS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from streamapp.result_rows import ResultRow

    Rows = AsyncIterator[tuple[int, ResultRow]]

GROUP_ROWS = 5_000

_BOOLEAN = {"face"}
_INTEGER = {"photo_index", "face_index", "x", "y", "width", "height"}
_REAL = {"score", "sharpness", "brightness", "tilt"}
_ALWAYS = {"photo_index", "photo", "status", "error_detail"}


def _type(column: str) -> DataType:
    if column in _BOOLEAN:
        return DataType.bool()
    if column in _INTEGER:
        return DataType.int32()
    return DataType.float64() if column in _REAL else DataType.utf8()


_NAMES = ("photo_index", *COLUMNS)
_SCHEMA = Schema([Field(each, _type(each), nullable=each not in _ALWAYS) for each in _NAMES])


async def parquet_pieces(rows: Rows) -> AsyncGenerator[bytes, None]:
    """A Parquet file of the rows, compressed by Zstandard."""
    writer = _Writer(asyncio.get_running_loop())
    try:
        while (written := await writer.outbox.get()) is not None:
            if isinstance(written, Exception):
                raise written
            if written:
                yield written
            writer.inbox.put(await _group(rows))
    finally:
        writer.inbox.put([])


class _Writer:
    """A thread that takes a group of rows and gives what it wrote of it, in turns.

    It begins with a turn that gives nothing. An empty group ends the file; None follows its end.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.inbox: SimpleQueue[list[tuple[int, ResultRow]]] = SimpleQueue()
        self.outbox: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self._loop = loop
        self._written = bytearray()
        self._size = 0
        threading.Thread(target=self._work, name="parquet", daemon=True).start()

    def write(self, data: bytes) -> int:
        """Take a piece of the file; called by arro3, as are the two below."""
        self._written += data
        self._size += len(data)
        return len(data)

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """There is no way back, and nobody goes it."""
        return self._size

    def flush(self) -> None:
        """Nothing waits here."""

    def _work(self) -> None:
        file: Any = self
        reader = RecordBatchReader.from_batches(_SCHEMA, self._groups())
        try:
            write_parquet(reader, file, compression="zstd(3)", max_row_group_size=GROUP_ROWS)
        except Exception as error:  # noqa: BLE001 - raised where the pieces are taken
            self._tell(error)
        self._tell(bytes(self._written))
        self._tell(None)

    def _groups(self) -> Iterator[RecordBatch]:
        self._tell(b"")
        while group := self.inbox.get():
            yield _record_batch(group)
            self._tell(bytes(self._written))
            self._written.clear()

    def _tell(self, what: bytes | Exception | None) -> None:
        with suppress(RuntimeError):  # nobody is there any more
            self._loop.call_soon_threadsafe(self.outbox.put_nowait, what)


async def _group(rows: Rows) -> list[tuple[int, ResultRow]]:
    group = []
    async for row in rows:
        group.append(row)
        if len(group) == GROUP_ROWS:
            break
    return group


def _record_batch(group: list[tuple[int, ResultRow]]) -> RecordBatch:
    columns: list[list[Any]] = [[index for index, _ in group]]
    columns += [[getattr(row, name) for _, row in group] for name in COLUMNS]
    arrays = [Array(each, _type(name)) for name, each in zip(_NAMES, columns, strict=True)]
    return RecordBatch.from_arrays(arrays, schema=_SCHEMA)
