"""A whole installation over the real services, and what a batch must look like in the end."""

from __future__ import annotations

import asyncio
import time
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from streamapp.keys import STATUS_PATH
from streamapp.wiring.stores import object_store, record_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.records.interface import BatchRecord, PhotoRecord
    from streamapp.members import Members
    from streamapp.settings import Settings

PATIENCE_S = 120.0

PHOTOS = 120
BROKEN = {
    "notes.txt": b"no photo at all",
    "empty.jpg": b"",
    "cut.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
}


class Installation(NamedTuple):
    settings: Settings
    members: Members

    def upload(self, archive: Path, **fields: str) -> dict[str, Any]:
        """The uploader's answer to a ZIP."""
        with archive.open("rb") as file:
            answer = httpx.post(
                f"{self.members.uploader.url}/api/batch/upload-zip",
                files={"file": (archive.name, file, "application/zip")},
                data={"projectId": "tests"} | fields,
                timeout=60,
            )
        assert answer.status_code == httpx.codes.OK, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def ask(self, url: str, batch: str) -> dict[str, Any] | None:
        """The batch's status at the uploader or a worker; None while nobody can say."""
        answer = httpx.get(f"{url}{STATUS_PATH}/{batch}", timeout=10)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            assert int(answer.headers["Retry-After"]) > 0
            return None
        assert answer.status_code == httpx.codes.OK, answer.text
        content = answer.json()
        assert content["success"] is True
        status: dict[str, Any] = content["batch"]
        return status

    def wait_for(self, batch: str, reached: Callable[[dict[str, Any]], bool]) -> list[int]:
        """Poll until ``reached`` and return each count of processed photos that was seen."""
        seen: list[int] = []
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            status = self.ask(self.members.uploader.url, batch)
            if status is not None:
                seen.append(status["progress"]["processed"])
                if reached(status):
                    return seen
            time.sleep(0.05)
        raise AssertionError(f"batch {batch} did not get there: {seen[-5:]}")

    def rows(self, batch: str, expected: int) -> list[PhotoRecord]:
        """The batch's rows, once there are as many as expected (they follow by a moment)."""
        return asyncio.run(self._rows(batch, expected))

    async def _rows(self, batch: str, expected: int) -> list[PhotoRecord]:
        records = record_store(self.settings)
        deadline = time.monotonic() + PATIENCE_S
        try:
            while True:
                rows = [row async for row in records.rows(batch)]
                done = [row for row in rows if row.processing_status != "queued"]
                if len(done) >= expected or time.monotonic() > deadline:
                    return rows
                await asyncio.sleep(0.1)
        finally:
            await records.close()

    def batch_row(self, batch: str, status: str) -> BatchRecord | None:
        """The batch's row, once it says so (it follows by a moment)."""
        return asyncio.run(self._batch_row(batch, status))

    async def _batch_row(self, batch: str, status: str) -> BatchRecord | None:
        records = record_store(self.settings)
        deadline = time.monotonic() + PATIENCE_S
        try:
            while True:
                row = await records.batch(batch)
                if (row and row.status == status) or time.monotonic() > deadline:
                    return row
                await asyncio.sleep(0.1)
        finally:
            await records.close()

    def crops(self, batch: str) -> set[str]:
        """The keys of the batch's crops."""
        return set(object_store(self.settings).keys(f"crops/{batch}/"))

    def wait_for_crops(self, batch: str, expected: set[str]) -> None:
        """Return when the batch's crops are the expected ones."""
        deadline = time.monotonic() + PATIENCE_S
        while (crops := self.crops(batch)) != expected:
            missing, surplus = sorted(expected - crops), sorted(crops - expected)
            assert time.monotonic() < deadline, f"{missing=} {surplus=}"
            time.sleep(0.1)


def assert_exact(installation: Installation, batch: str, archive: Path, failed: int) -> None:
    """Every photo in one final state; API, table and database agree; one crop for each face."""
    with zipfile.ZipFile(archive) as opened:
        names = [entry.filename for entry in opened.infolist()]
    assert_exact_photos(installation, batch, names, failed)


def assert_exact_photos(
    installation: Installation, batch: str, names: list[str], failed: int
) -> None:
    """`assert_exact` for a batch of the photos ``names``, in this order."""
    rows = installation.rows(batch, len(names))
    assert [row.photo_index for row in rows] == list(range(len(names)))
    assert [row.photo_name for row in rows] == names
    for url in [member.url for member in installation.members if member.is_ready()]:
        status = installation.ask(url, batch)
        assert status is not None
        assert status["status"] == "completed"
        assert status["imageCount"] == len(names)
        assert status["progress"] == {
            "processed": len(names),
            "total": len(names),
            "failed": failed,
        }
    assert sum(row.processing_status == "failed" for row in rows) == failed
    told = installation.batch_row(batch, "completed")
    assert told
    assert (told.photos, told.processed, told.failed) == (len(names), len(names), failed)
    assert told.started_at
    assert told.ended_at
    assert told.created_at <= told.started_at <= told.ended_at
    with_face = {row.photo_index for row in rows if row.face_detected}
    assert installation.crops(batch) == {f"crops/{batch}/{index:08d}.jpg" for index in with_face}
