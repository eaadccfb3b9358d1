"""The rows of all batches in one SQLite file, for an installation on one machine.

Several processes may write the file at once: a writer waits for the others for some seconds. A
file that cannot be opened or stays locked raises `StreamappError` with ``RECORDS_AWAY``; the next
call opens it anew.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import aiosqlite

from connectors.records.columns import (
    COLUMNS,
    PAGE_ROWS,
    merged,
    paged,
    schema,
    text,
    to_record,
    to_values,
    with_other_faces,
)
from connectors.records.connections import Connections
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from connectors.records.interface import PhotoRecord

T = TypeVar("T")

BUSY_TIMEOUT_S = 10.0

_ASSIGNED = COLUMNS[1:]
_EXCLUDED = [f"excluded.{column}" for column in _ASSIGNED]
_RANK = "({0}processing_status <> 'cancelled', {0}run, {0}processing_status = 'completed')"
# A row that would stay as it is, is not touched, so that updated_at tells the truth.
_UPSERT = (
    f"INSERT INTO data_records ({', '.join(COLUMNS)}) "  # noqa: S608 - our own column names
    f"VALUES ({', '.join(['?'] * len(COLUMNS))}) "
    f"ON CONFLICT (id) DO UPDATE SET ({', '.join(_ASSIGNED)}) = ({', '.join(_EXCLUDED)}), "
    "updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') "
    f"WHERE {_RANK.format('excluded.')} >= {_RANK.format('')} "
    f"AND ({', '.join(_ASSIGNED)}) IS NOT ({', '.join(_EXCLUDED)})"
)
# Of the first face's row, which every outcome has, the upsert has decided which one is left.
_SWEEP = (
    "DELETE FROM data_records WHERE batch_id = ?1 AND photo_index = ?2 AND face_index > 0 "
    "AND (run, processing_status) <> (SELECT run, processing_status FROM data_records "
    "WHERE batch_id = ?1 AND photo_index = ?2 AND face_index = 0)"
)
_PAGE = (
    f"SELECT {', '.join(COLUMNS)} FROM data_records "  # noqa: S608 - our own column names
    # The index takes the scan to the photo; of its faces, those before the page are passed over.
    f"WHERE batch_id = ? AND photo_index >= ? AND (photo_index > ? OR face_index > ?) "
    f"ORDER BY photo_index, face_index LIMIT {PAGE_ROWS}"
)
_COUNTS = (
    "SELECT processing_status, COUNT(*) FROM data_records "
    "WHERE batch_id = ? AND face_index = 0 GROUP BY processing_status"
)


class SqliteRecords:
    """A `RecordStore` in the file at ``path``, whose folder must exist."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections = Connections(1, connect=self._open, close=_close)

    async def prepare(self) -> None:
        """Create the file, the table and its indexes, as far as they are missing."""
        await self._run(_create)

    async def upsert(self, rows: Sequence[PhotoRecord]) -> None:
        """Write the rows in one transaction, see `RecordStore.upsert`."""
        values = [to_values(row) for row in merged(rows)]
        photos = [(batch, each) for batch, of in with_other_faces(rows).items() for each in of]

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute("BEGIN IMMEDIATE")
            await connection.executemany(_UPSERT, values)
            await connection.executemany(_SWEEP, photos)
            await connection.commit()

        await self._run(work)

    async def rows(self, batch: str) -> AsyncIterator[PhotoRecord]:
        """The rows of a batch by photo index, then face index, a page of them in memory."""

        async def page(photo: int, face: int) -> list[PhotoRecord]:
            found = await self._select(_PAGE, text(batch), photo, photo, face)
            return [to_record(values) for values in found]

        async for row in paged(page):
            yield row

    async def counts(self, batch: str) -> dict[str, int]:
        """How many photos of the batch have each ``processing_status``."""
        return dict(await self._select(_COUNTS, text(batch)))

    async def close(self) -> None:
        """Close the file."""
        await self._connections.close()

    async def _select(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        async def work(connection: aiosqlite.Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]

        return await self._run(work)

    async def _run(self, work: Callable[[aiosqlite.Connection], Awaitable[T]]) -> T:
        try:
            async with self._connections.lend() as connection:
                return await work(connection)
        except sqlite3.Error as error:
            raise StreamappError(Code.RECORDS_AWAY, f"sqlite {self._path}: {error}") from error

    async def _open(self) -> aiosqlite.Connection:
        return await aiosqlite.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)


async def _create(connection: aiosqlite.Connection) -> None:
    """Run the schema; its switch to WAL does not itself wait for other processes."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            await connection.executescript(schema("sqlite"))
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
        else:
            return
        await asyncio.sleep(0.02)


async def _close(connection: aiosqlite.Connection) -> None:
    with suppress(sqlite3.Error):
        await connection.close()
