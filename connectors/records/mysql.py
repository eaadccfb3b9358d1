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
    with_other_faces,
)
from connectors.records.mysql_calls import MysqlAddress, MysqlCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from connectors.records.interface import PhotoRecord

_REPLACED = (
    "(VALUES(processing_status) <> 'cancelled', VALUES(run), "
    "VALUES(processing_status) = 'completed') >= "
    "(processing_status <> 'cancelled', run, processing_status = 'completed')"
)
_OTHERS = [column for column in COLUMNS if column not in {"id", "run"}]
# Assignments are done from left to right, each seeing the ones before. So it is decided once, and
# the sign of run says how, until the last one.
_UPSERT = (
    f"INSERT INTO data_records ({', '.join(COLUMNS)}) "  # noqa: S608 - our own column names
    f"VALUES ({', '.join(['%s'] * len(COLUMNS))}) "
    f"ON DUPLICATE KEY UPDATE run = IF({_REPLACED}, -VALUES(run), run), "
    + "".join(f"{column} = IF(run < 0, VALUES({column}), {column}), " for column in _OTHERS)
    + "run = ABS(run)"
)
# Of the first face's row, which every outcome has, the upsert has decided which one is left.
_SWEEP = (
    "DELETE other FROM data_records AS other JOIN data_records AS first "
    "ON first.batch_id = other.batch_id AND first.photo_index = other.photo_index "
    "AND first.face_index = 0 "
    "WHERE other.batch_id = %s AND other.photo_index IN ({}) AND other.face_index > 0 "
    "AND (other.run, other.processing_status) <> (first.run, first.processing_status)"
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
        photos = with_other_faces(rows).items()

        async def work(connection: Any) -> None:
            await connection.begin()
            async with connection.cursor() as cursor:
                # aiomysql sends them as multi-row statements of up to 1 MB.
                await cursor.executemany(_UPSERT, values)
                for batch, indexes in photos:
                    places = ", ".join(["%s"] * len(indexes))
                    await cursor.execute(_SWEEP.format(places), (batch, *indexes))
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
