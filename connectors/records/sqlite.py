"""The rows of all batches in one SQLite file, for an installation on one machine.

Several processes may write the file at once: a writer waits for the others for some seconds. A
file that cannot be opened or stays locked raises `StreamappError` with ``RECORDS_AWAY``; the next
call opens it anew.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import aiosqlite

from connectors.records import migrations
from connectors.records.columns import (
    BATCH_COLUMNS,
    COLUMNS,
    merged,
    text,
    to_values,
    with_other_faces,
)
from connectors.records.connections import Connections
from connectors.records.reads import Reads
from connectors.records.sqlite_schema import applied, apply
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from connectors.records.interface import BatchRecord, PhotoRecord, SchemaStep
    from connectors.records.own_table import OwnTable

T = TypeVar("T")

BUSY_TIMEOUT_S = 10.0

DELETED_ROWS_MAX = 1_000
"""Of one transaction."""


def _upsert(table: str, columns: Sequence[str], *, rank: str) -> str:
    """The statement that writes rows, and over others that have no higher ``rank``.

    A row that would stay as it is, is not touched, so that updated_at tells the truth.
    """
    assigned = ", ".join(columns[1:])
    excluded = ", ".join(f"excluded.{column}" for column in columns[1:])
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - our own names
        f"VALUES ({', '.join(['?'] * len(columns))}) "
        f"ON CONFLICT (id) DO UPDATE SET ({assigned}) = ({excluded}), "
        "updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') "
        f"WHERE {rank.format('excluded.')} >= {rank.format(f'{table}.')} "
        f"AND ({assigned}) IS NOT ({excluded})"
    )


_UPSERT = _upsert(
    "data_records",
    COLUMNS,
    rank="({0}processing_status <> 'queued', {0}processing_status <> 'cancelled', "
    "{0}run, {0}processing_status = 'completed')",
)
_UPSERT_BATCH = _upsert(
    "batches", BATCH_COLUMNS, rank="({0}run, {0}photos, {0}processed, {0}ended_at IS NOT NULL)"
)
# Of the first face's row, which every outcome has, the upsert has decided which one is left.
_SWEEP = (
    "DELETE FROM data_records WHERE batch_id = ?1 AND photo_index = ?2 AND face_index > 0 "
    "AND (run, processing_status) <> (SELECT run, processing_status FROM data_records "
    "WHERE batch_id = ?1 AND photo_index = ?2 AND face_index = 0)"
)
_DELETE_SOME = (
    "DELETE FROM data_records WHERE rowid IN "  # noqa: S608 - our own number
    f"(SELECT rowid FROM data_records WHERE batch_id = ? LIMIT {DELETED_ROWS_MAX})"
)


class SqliteRecords(Reads):
    """A `RecordStore` in the file at ``path``, whose folder must exist."""

    def __init__(self, path: Path, *, own_table: OwnTable | None = None) -> None:
        self._own_table = own_table
        self._path = path
        self._connections = Connections(1, connect=self._open, close=_close)

    async def prepare(self) -> None:
        """Create the file if it is missing, and make the steps to the schema that are."""
        if migrations.pending("sqlite", await self._run(applied)):
            await self._run(partial(apply, patience_s=BUSY_TIMEOUT_S))

    async def schema(self) -> list[SchemaStep]:
        """The steps to the schema; a file that is missing stays so."""
        found = await self._run(applied) if self._path.exists() else set()
        return migrations.steps("sqlite", found)

    async def version(self) -> str:
        """The library's version; the file has none."""
        return f"SQLite {sqlite3.sqlite_version}"

    async def upsert(self, rows: Sequence[PhotoRecord]) -> None:
        """Write the rows in one transaction, see `RecordStore.upsert`."""
        values = [to_values(row) for row in merged(rows)]
        photos = [(batch, each) for batch, of in with_other_faces(rows).items() for each in of]
        own = self._own_table

        async def work(connection: aiosqlite.Connection) -> None:
            await connection.execute("BEGIN IMMEDIATE")
            await connection.executemany(_UPSERT, values)
            await connection.executemany(_SWEEP, photos)
            if own:
                await connection.executemany(own.sqlite, own.of(rows))
            await connection.commit()

        await self._run(work)

    async def upsert_batch(self, batch: BatchRecord) -> None:
        """Write the row of a batch, see `RecordStore.upsert_batch`."""
        await self._change(_UPSERT_BATCH, *to_values(batch))

    async def delete(self, batch: str) -> None:
        """Remove every row of the batch."""
        while await self._change(_DELETE_SOME, text(batch)) == DELETED_ROWS_MAX:
            pass
        await self._change("DELETE FROM batches WHERE id = ?", text(batch))

    async def close(self) -> None:
        """Close the file."""
        await self._connections.close()

    async def _select(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        async def work(connection: aiosqlite.Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.execute_fetchall(sql, parameters)]

        return await self._run(work)

    async def _change(self, sql: str, *parameters: Any) -> int:
        """Run a statement that changes rows; how many it met."""

        async def work(connection: aiosqlite.Connection) -> int:
            async with connection.execute(sql, parameters) as cursor:
                return cursor.rowcount

        return await self._run(work)

    async def _run(self, work: Callable[[aiosqlite.Connection], Awaitable[T]]) -> T:
        try:
            async with self._connections.lend() as connection:
                return await work(connection)
        except sqlite3.Error as error:
            raise StreamappError(Code.RECORDS_AWAY, f"sqlite {self._path}: {error}") from error

    async def _open(self) -> aiosqlite.Connection:
        return await aiosqlite.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)


async def _close(connection: aiosqlite.Connection) -> None:
    with suppress(sqlite3.Error):
        await connection.close()
