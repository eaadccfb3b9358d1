"""An uploader over a folder and SQLite, and batches in it whose rows and crops a test writes."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import httpx
from msgspec import structs

from connectors.records.sqlite import SqliteRecords
from streamapp.keys import crop_key, record_id
from tests.e2e.upload_service import Surroundings, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connectors.objects.folder import FolderStore
    from connectors.records.interface import BatchRecord, PhotoRecord, RecordStore


class Reading(NamedTuple):
    client: httpx.Client
    objects: FolderStore
    records: Path
    around: Surroundings

    def upload(self, archive: bytes, **fields: str) -> str:
        """The id of the batch of a ZIP."""
        answer = self.client.post(
            "/api/batch/upload-zip",
            files={"file": ("photos.zip", archive)},
            data={"projectId": "tests"} | fields,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["batchId"])

    def write(self, batch: str, rows: Sequence[PhotoRecord]) -> list[PhotoRecord]:
        """The rows as rows of this batch, written, each crop in its place: bytes of its key."""
        written = [self._of(batch, row) for row in rows]
        asyncio.run(self._write(written))
        for row in written:
            if row.face_crop_url:
                key = key_of(row)
                self.objects.put(key, key.encode(), "image/jpeg")
        return written

    def write_batch(self, batch: BatchRecord) -> None:
        """Write the row of a batch."""
        asyncio.run(self._write([], batch))

    def get(self, path: str, **headers: str) -> httpx.Response:
        own = "" if path == "" or path.startswith("?") else "/"
        return self.client.get(f"/api/batch{own}{path}", headers=headers)

    def refusal(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and code of a problem."""
        answer = self.get(path, **headers)
        assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    def _of(self, batch: str, row: PhotoRecord) -> PhotoRecord:
        moved = structs.replace(
            row, batch_id=batch, id=record_id(batch, row.photo_index, row.face_index)
        )
        if not row.face_crop_url:
            return moved
        url = self.objects.url(key_of(moved))
        return structs.replace(moved, face_crop_url=url, cropped_photo_url=url)

    async def _write(self, rows: Sequence[PhotoRecord], batch: BatchRecord | None = None) -> None:
        records = SqliteRecords(self.records)
        await records.prepare()
        if batch:
            await records.upsert_batch(batch)
        else:
            await records.upsert(rows)
        await records.close()


def key_of(row: PhotoRecord) -> str:
    return crop_key(row.batch_id, row.photo_index, row.face_index, run=row.run)


@contextmanager
def reading(
    objects: FolderStore,
    path: Path,
    *,
    records: RecordStore | None = None,
    root_path: str = "",
) -> Iterator[Reading]:
    """The uploader over the folder and the file at ``path``, or other records."""
    around = Surroundings()
    app = make_app(objects, around, records=records or SqliteRecords(path))
    with (
        serving(app, root_path=root_path) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield Reading(client, objects, path, around)
