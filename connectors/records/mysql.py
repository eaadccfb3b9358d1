"""The rows of all batches in MySQL (8 and newer) or MariaDB (10.6 and newer).

Every call is bounded in time and may simply be repeated; how it fails, see `mysql_calls`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from connectors.records import migrations
from connectors.records.columns import (
    BATCH_COLUMNS,
    COLUMNS,
    merged,
    text,
    to_values,
    with_other_faces,
)
from connectors.records.mysql_calls import MysqlAddress, MysqlCalls
from connectors.records.mysql_schema import applied, apply
from connectors.records.reads import Reads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.records.interface import BatchRecord, PhotoRecord, SchemaStep
    from connectors.records.own_table import OwnTable

DELETED_ROWS_MAX = 1_000
"""Of one transaction."""
MIGRATION_TIMEOUT_S = 600.0
"""For the steps of the schema, one of which may go through all rows."""


def _upsert(table: str, columns: Sequence[str], *, replaced: str) -> str:
    """The statement that writes rows, and over others where ``replaced`` holds.

    Assignments are done from left to right, each seeing the ones before. So it is decided once, and
    the sign of run says how, until the last one.
    """
    others = (column for column in columns if column not in {"id", "run"})
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - our own names
        f"VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON DUPLICATE KEY UPDATE run = IF({replaced}, -VALUES(run), run), "
        + "".join(f"{column} = IF(run < 0, VALUES({column}), {column}), " for column in others)
        + "run = ABS(run)"
    )


_UPSERT = _upsert(
    "data_records",
    COLUMNS,
    replaced="(VALUES(processing_status) <> 'queued', VALUES(processing_status) <> 'cancelled', "
    "VALUES(run), VALUES(processing_status) = 'completed') >= "
    "(processing_status <> 'queued', processing_status <> 'cancelled', "
    "run, processing_status = 'completed')",
)
_UPSERT_BATCH = _upsert(
    "batches",
    BATCH_COLUMNS,
    replaced="(VALUES(run), VALUES(photos), VALUES(processed), VALUES(ended_at) IS NOT NULL) >= "
    "(run, photos, processed, ended_at IS NOT NULL)",
)
# Of the first face's row, which every outcome has, the upsert has decided which one is left.
_SWEEP = (
    "DELETE other FROM data_records AS other JOIN data_records AS first "
    "ON first.batch_id = other.batch_id AND first.photo_index = other.photo_index "
    "AND first.face_index = 0 "
    "WHERE other.batch_id = %s AND other.photo_index IN ({}) AND other.face_index > 0 "
    "AND (other.run, other.processing_status) <> (first.run, first.processing_status)"
)


class MysqlRecords(Reads):
    """A `RecordStore` over at most ``pool_size`` connections, made when they are first needed."""

    def __init__(
        self,
        address: MysqlAddress,
        *,
        own_table: OwnTable | None = None,
        pool_size: int = 4,
        timeout_s: float = 30.0,
    ) -> None:
        self._own_table = own_table
        self._calls = MysqlCalls(address, pool_size=pool_size, timeout_s=timeout_s)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        own_table: OwnTable | None = None,
        pool_size: int = 4,
        timeout_s: float = 30.0,
    ) -> Self:
        """The store at ``mysql://user:password@host:port/database``.

        Raises:
            StreamappError: ``SETTING_INVALID``; the URL is not repeated.
        """
        return cls(
            MysqlAddress.from_url(url),
            own_table=own_table,
            pool_size=pool_size,
            timeout_s=timeout_s,
        )

    async def prepare(self) -> None:
        """Make the steps to the schema that are missing; the database itself must exist."""
        if migrations.pending("mysql", await self._calls.run(applied)):
            await self._calls.run(apply, timeout_s=MIGRATION_TIMEOUT_S)

    async def schema(self) -> list[SchemaStep]:
        """The steps to the schema."""
        return migrations.steps("mysql", await self._calls.run(applied))

    async def version(self) -> str:
        """The server's own version, which says whether it is MariaDB's."""
        ((version,),) = await self._select("SELECT VERSION()")
        return f"MariaDB {version}" if "MariaDB" in version else f"MySQL {version}"

    async def upsert(self, rows: Sequence[PhotoRecord]) -> None:
        """Write the rows in one transaction, see `RecordStore.upsert`."""
        values = [to_values(row) for row in merged(rows)]
        photos = with_other_faces(rows).items()
        own = self._own_table

        async def work(connection: Any) -> None:
            await connection.begin()
            async with connection.cursor() as cursor:
                # aiomysql sends them as multi-row statements of up to 1 MB.
                await cursor.executemany(_UPSERT, values)
                for batch, indexes in photos:
                    places = ", ".join(["%s"] * len(indexes))
                    await cursor.execute(_SWEEP.format(places), (batch, *indexes))
                if own:
                    await cursor.executemany(own.mysql, own.of(rows))
            await connection.commit()

        await self._calls.run(work)

    async def upsert_batch(self, batch: BatchRecord) -> None:
        """Write the row of a batch, see `RecordStore.upsert_batch`."""
        await self._change(_UPSERT_BATCH, *to_values(batch))

    async def delete(self, batch: str) -> None:
        """Remove every row of the batch."""
        some = f"DELETE FROM data_records WHERE batch_id = %s LIMIT {DELETED_ROWS_MAX}"  # noqa: S608
        while await self._change(some, text(batch)) == DELETED_ROWS_MAX:
            pass
        await self._change("DELETE FROM batches WHERE id = %s", text(batch))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._calls.close()

    async def _select(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        async def work(connection: Any) -> list[tuple[Any, ...]]:
            async with connection.cursor() as cursor:
                await cursor.execute(sql.replace("?", "%s"), parameters)
                return list(await cursor.fetchall())

        return await self._calls.run(work)

    async def _change(self, sql: str, *parameters: Any) -> int:
        """Run a statement that changes rows; how many it met."""

        async def work(connection: Any) -> int:
            async with connection.cursor() as cursor:
                return int(await cursor.execute(sql, parameters))

        return await self._calls.run(work)
