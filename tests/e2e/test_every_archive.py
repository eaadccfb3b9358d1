"""The corpus of archives, each one over HTTP to its rows and crops, on real Kafka and MinIO."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ops.services.minio import MinioServer, minio_binary
from streamapp.errors import Code
from streamapp.events import decode_archive
from streamapp.keys import STATUS_PATH, crop_key, manifest_key
from streamapp.wiring.stores import object_store, record_store
from tests.data.make_archives import LIMITS, corpus
from tests.data.zip_case import FACE, NO_FACE, Photo
from tests.e2e.installation import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.interface import ObjectStore
    from connectors.records.interface import PhotoRecord
    from tests.data.zip_case import Case, Corpus
    from tests.e2e.installation import Installation

UPLOADS_AT_ONCE = 4


@pytest.fixture(params=[False, True], ids=["closed", "nested"])
def other_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {
        "archive_entries_max": LIMITS.entries_max,
        "photo_bytes_max": LIMITS.photo_bytes_max,
        "nested_archives": request.param,
    }


@pytest.fixture
def minio(tmp_path: Path) -> Iterator[MinioServer]:
    """A server whose folder can be looked into: of unfinished uploads it lists those of one key."""
    with MinioServer(tmp_path / "minio", minio_binary()) as server:
        yield server


@pytest.fixture(scope="module")
def archives() -> Corpus:
    return corpus()


@pytest.fixture
def cases(archives: Corpus, other_settings: dict[str, Any]) -> Corpus:
    nested = other_settings["nested_archives"]
    return {name: case for name, case in archives.items() if case.nested == nested}


@pytest.mark.timeout(300)
def test_every_archive_ends_as_it_must_and_leaves_nothing_else(
    installation: Installation, cases: Corpus, tmp_path: Path
) -> None:
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        url = f"{installation.members.uploader.url}/api/batch/archives"
        batch = pool.map(lambda name: put(client, f"{url}/{name}.zip", cases[name]), cases)
        batches = {name: each for name, each in zip(cases, batch, strict=True) if each}
        for name, each in batches.items():
            wait_for_the_end(client, installation, each, cases[name])
    ends = asyncio.run(photos_of(installation, batches, cases))
    assert ends == {name: cases[name].photos for name in batches}
    store = object_store(installation.settings)
    assert set(store.keys("")) == set(expected_objects(store, batches, cases))
    assert unfinished_uploads(tmp_path) == []


def put(client: httpx.Client, address: str, case: Case) -> str:
    """The batch that an archive became, ``""`` when it is refused; as it must be."""
    answer = client.put(address, content=case.data, params={"projectId": "tests"})
    content: dict[str, Any] = answer.json()
    expected = (case.refused.status, case.refused.code) if case.refused else (httpx.codes.OK, None)
    assert (answer.status_code, content.get("code")) == expected, f"{address}: {content}"
    return str(content.get("batchId", ""))


def wait_for_the_end(
    client: httpx.Client, installation: Installation, batch: str, case: Case
) -> None:
    """Return when uploader and workers all say that the batch is complete, with exact counts."""
    photos = len(case.photos)
    failed = sum(isinstance(photo.end, Code) for photo in case.photos)
    expected = {
        "status": "completed",
        "imageCount": photos,
        "progress": {"processed": photos, "total": photos, "failed": failed},
        "skippedBy": case.skipped,
    }
    deadline = time.monotonic() + PATIENCE_S
    for member in installation.members:
        said: dict[str, Any] = {}
        while said.get("status") != "completed":
            assert time.monotonic() < deadline, said
            time.sleep(0.05 if said else 0)
            answer = client.get(f"{member.url}{STATUS_PATH}/{batch}")
            said = answer.json().get("batch", {})
        assert {"skippedBy": {}} | said == said | expected


async def photos_of(
    installation: Installation, batches: dict[str, str], cases: Corpus
) -> dict[str, tuple[Photo, ...]]:
    """How the photos of each batch ended, from the rows, which follow by a moment."""
    records = record_store(installation.settings)
    deadline = time.monotonic() + PATIENCE_S
    ends = {}
    try:
        for name, batch in batches.items():
            rows: list[PhotoRecord] = []
            while len(rows) < len(cases[name].photos) and time.monotonic() < deadline:
                rows = [
                    row async for row in records.rows(batch) if row.processing_status != "queued"
                ]
                await asyncio.sleep(0.05 if len(rows) < len(cases[name].photos) else 0)
            assert [row.photo_index for row in rows] == list(range(len(rows)))
            ends[name] = tuple(Photo(row.photo_name, _end(row)) for row in rows)
    finally:
        await records.close()
    return ends


def _end(row: PhotoRecord) -> str | Code:
    if row.processing_status == "failed":
        return Code[(row.error_code or "").upper()]
    return FACE if row.face_detected else NO_FACE


def expected_objects(store: ObjectStore, batches: dict[str, str], cases: Corpus) -> Iterator[str]:
    """Of each batch its archive, its manifest and a crop for each face; of the refused nothing."""
    for name, batch in batches.items():
        manifest = manifest_key(batch)
        yield manifest
        yield decode_archive(store.read(manifest, 0, 1 << 20)).archive
        for index, photo in enumerate(cases[name].photos):
            if photo.end == FACE:
                yield crop_key(batch, index)


def unfinished_uploads(folder: Path) -> list[Path]:
    return list((folder / "minio" / "objects" / ".minio.sys" / "multipart").glob("*/*"))
