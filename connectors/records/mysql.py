"""The rows of all batches in MySQL (8 and newer) or MariaDB (10.6 and newer).

Every call is bounded in time and may simply be repeated; how it fails, see `mysql_calls`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from connectors.records.columns import (
    COLUMNS,
    PAGE_ROWS,
    merged,
    paged,
    schema,
    text,
    to_record,
    to_values,
)
from connectors.records.mysql_calls import MysqlAddress, MysqlCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from connectors.records.interface import PhotoRecord

# Assignments are done from left to right, each seeing the ones before: this holds, or does not, for
# all columns of a row alike, whether processing_status has been assigned yet or not.
_KEPT = "processing_status = 'completed' AND VALUES(processing_status) <> 'completed'"
_UPSERT = (
    f"INSERT INTO data_records ({', '.join(COLUMNS)}) "  # noqa: S608 - our own column names
    f"VALUES ({', '.join(['%s'] * len(COLUMNS))}) "
    "ON DUPLICATE KEY UPDATE "
    + ", ".join(f"{column} = IF({_KEPT}, {column}, VALUES({column}))" for column in COLUMNS[1:])
)
_PAGE = (
    f"SELECT {', '.join(COLUMNS)} FROM data_records "  # noqa: S608 - our own column names
    # The index takes the scan to the photo; of its faces, those before the page are passed over.
    f"WHERE batch_id = %s AND photo_index >= %s AND (photo_index > %s OR face_index > %s) "
    f"ORDER BY photo_index, face_index LIMIT {PAGE_ROWS}"
)
_COUNTS = (
    "SELECT processing_status, COUNT(*) FROM data_records "
    "WHERE batch_id = %s AND face_index = 0 GROUP BY processing_status"
)


class MysqlRecords:
    """A `RecordStore` over at most ``pool_size`` connections, made when they are first needed."""

    def __init__(
        self, address: MysqlAddress, *, pool_size: int = 4, timeout_s: float = 30.0
    ) -> None:
        self._calls = MysqlCalls(address, pool_size=pool_size, timeout_s=timeout_s)

    @classmethod
    def from_url(cls, url: str, *, pool_size: int = 4, timeout_s: float = 30.0) -> Self:
        """The store at ``mysql://user:password@host:port/database``.

        Raises:
            StreamappError: ``SETTING_INVALID``; the URL is not repeated.
        """
        return cls(MysqlAddress.from_url(url), pool_size=pool_size, timeout_s=timeout_s)

    async def prepare(self) -> None:
        """Create the table if it is missing; the database itself must exist."""
        await self._execute(schema("mysql"))

    async def upsert(self, rows: Sequence[PhotoRecord]) -> None:
        """Write the rows in one transaction, see `RecordStore.upsert`."""
        values = [to_values(row) for row in merged(rows)]

        async def work(connection: Any) -> None:
            await connection.begin()
            async with connection.cursor() as cursor:
                # aiomysql sends them as multi-row statements of up to 1 MB.
                await cursor.executemany(_UPSERT, values)
            await connection.commit()

        await self._calls.run(work)

    async def rows(self, batch: str) -> AsyncIterator[PhotoRecord]:
        """The rows of a batch by photo index, then face index, a page of them in memory."""

        async def page(photo: int, face: int) -> list[PhotoRecord]:
            found = await self._execute(_PAGE, text(batch), photo, photo, face)
            return [to_record(values) for values in found]

        async for row in paged(page):
            yield row

    async def counts(self, batch: str) -> dict[str, int]:
        """How many photos of the batch have each ``processing_status``."""
        return dict(await self._execute(_COUNTS, text(batch)))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._calls.close()

    async def _execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        async def work(connection: Any) -> list[tuple[Any, ...]]:
            async with connection.cursor() as cursor:
                await cursor.execute(sql, parameters or None)
                return list(await cursor.fetchall())

        return await self._calls.run(work)
