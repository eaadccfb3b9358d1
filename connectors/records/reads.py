"""What is asked of the rows, in SQL that MySQL and SQLite read alike; ``?`` marks a parameter.

Every question is bounded by its ``limit`` or read in pages, and has an index of the schema.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from connectors.records.columns import (
    BATCH_COLUMNS,
    COLUMNS,
    PAGE_ROWS,
    paged,
    text,
    to_batch,
    to_record,
    to_time,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.records.interface import BatchRecord, BatchState, PhotoRecord, PhotoState

_PHOTOS = f"SELECT {', '.join(COLUMNS)} FROM data_records "  # noqa: S608 - our own column names
_BATCHES = f"SELECT {', '.join(BATCH_COLUMNS)} FROM batches "  # noqa: S608 - our own column names
_ROWS = (
    # The index takes the scan to the photo; of its faces, those before the page are passed over.
    f"{_PHOTOS} WHERE batch_id = ? AND photo_index >= ? AND (photo_index > ? OR face_index > ?) "
    f"ORDER BY photo_index, face_index LIMIT {PAGE_ROWS}"
)
_PHOTO = f"{_PHOTOS} WHERE batch_id = ? AND photo_index = ? ORDER BY face_index"
_COUNTS = (
    "SELECT processing_status, COUNT(*) FROM data_records "
    "WHERE batch_id = ? AND face_index = 0 GROUP BY processing_status"
)
_FAILED_BY = (
    "SELECT COALESCE(error_code, ''), COUNT(*) FROM data_records "
    "WHERE batch_id = ? AND face_index = 0 AND processing_status = 'failed' GROUP BY error_code"
)
_BATCH = f"{_BATCHES} WHERE id = ?"
_WRITTEN_AT = "SELECT updated_at FROM batches WHERE id = ?"
_OLDER = (
    "created_at <= (SELECT created_at FROM batches WHERE id = ?) "
    "AND (created_at < (SELECT created_at FROM batches WHERE id = ?) OR id < ?)"
)


class Reads(ABC):
    """The half of a `RecordStore` that reads."""

    @abstractmethod
    async def _select(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the statement finds."""

    async def rows(self, batch: str) -> AsyncIterator[PhotoRecord]:
        """The rows of a batch by photo index, then face index, a page of them in memory."""

        async def page(photo: int, face: int) -> list[PhotoRecord]:
            return await self._records(_ROWS, text(batch), photo, photo, face)

        async for row in paged(page):
            yield row

    async def counts(self, batch: str) -> dict[str, int]:
        """How many photos of the batch have each ``processing_status``."""
        return dict(await self._select(_COUNTS, text(batch)))

    async def failed_by(self, batch: str) -> dict[str, int]:
        """How many photos of the batch failed with each code."""
        return dict(await self._select(_FAILED_BY, text(batch)))

    async def photos(
        self,
        batch: str,
        *,
        state: PhotoState | None = None,
        after: int = -1,
        limit: int = 100,
    ) -> list[PhotoRecord]:
        """All rows of up to ``limit`` photos behind the index ``after``."""
        wanted, parameters = _of_state(state)
        sql = (
            f"SELECT {', '.join(f'found.{column}' for column in COLUMNS)} "  # noqa: S608 - ours
            "FROM data_records AS found JOIN (SELECT photo_index FROM data_records "
            f"WHERE batch_id = ? AND face_index = 0 AND photo_index > ? {wanted}"
            "ORDER BY photo_index LIMIT ?) AS page ON page.photo_index = found.photo_index "
            "WHERE found.batch_id = ? ORDER BY found.photo_index, found.face_index"
        )
        key = text(batch)
        return await self._records(sql, key, after, *parameters, limit, key)

    async def photo(self, batch: str, index: int) -> list[PhotoRecord]:
        """The rows of a photo by face index; none of an unknown one."""
        return await self._records(_PHOTO, text(batch), index)

    async def batch(self, batch_id: str) -> BatchRecord | None:
        """The row of a batch; None of an unknown one."""
        found = await self._select(_BATCH, text(batch_id))
        return to_batch(found[0]) if found else None

    async def written_at(self, batch_id: str) -> float | None:
        """When the row of a batch was changed last; None of an unknown one."""
        found = await self._select(_WRITTEN_AT, text(batch_id))
        return to_time(found[0][0]) if found else None

    async def batches(
        self,
        *,
        status: BatchState | None = None,
        project: str | None = None,
        external_id: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[BatchRecord]:
        """Batches, newest first, from behind the batch ``before`` on."""
        asked = {"status": status, "project_id": project, "external_id": external_id}
        filters = {f"{column} = ?": text(it) for column, it in asked.items() if it is not None}
        wanted, parameters = list(filters), list(filters.values())
        if before is not None:
            wanted.append(_OLDER)
            parameters += [text(before)] * 3
        where = f"WHERE {' AND '.join(wanted)} " if wanted else ""
        sql = f"{_BATCHES} {where}ORDER BY created_at DESC, id DESC LIMIT ?"
        return [to_batch(values) for values in await self._select(sql, *parameters, limit)]

    async def _records(self, sql: str, *parameters: Any) -> list[PhotoRecord]:
        return [to_record(values) for values in await self._select(sql, *parameters)]


def _of_state(state: PhotoState | None) -> tuple[str, tuple[str, ...]]:
    """The condition that a photo is in the state, and its parameters."""
    match state:
        case None:
            return "", ()
        case "no-face":
            return "AND processing_status = ? AND face_detected = 0 ", ("completed",)
        case _:
            return "AND processing_status = ? ", (state,)
