"""Photos without an archive on real Kafka, MinIO and MariaDB: files and objects, in one batch."""

from __future__ import annotations

import asyncio
import time
import zipfile
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from connectors.kafka.producer import EventProducer
from ops.sample.make import make_sample
from streamapp.archive import listing_line
from streamapp.events import ArchiveStored, encode
from streamapp.keys import archive_key, batch_key
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics
from tests.e2e.installation import BROKEN, assert_exact_photos

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation

PHOTOS = 40


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, bytes]:
    """Photos with a face, photos without, and some that are none, by their names."""
    make_sample(tmp_path / "photos.zip", photos=PHOTOS)
    with zipfile.ZipFile(tmp_path / "photos.zip") as opened:
        return {name: opened.read(name) for name in sorted(opened.namelist())} | BROKEN


def answer_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == httpx.codes.OK, answer.text
    content: dict[str, Any] = answer.json()
    return content


def completed(status: dict[str, Any]) -> bool:
    return bool(status["status"] == "completed")


def test_files_and_objects_of_one_batch_are_worked_off_exactly(
    installation: Installation, photos: dict[str, bytes]
) -> None:
    address = f"{installation.members.uploader.url}/api/batch/add-images"
    store = object_store(installation.settings)
    objects = {f"in/{name}": content for name, content in sorted(photos.items()) if content}
    for key, content in objects.items():
        store.put(key, content, "image/jpeg")
    files = [("images", (name, content)) for name, content in photos.items()]
    sent = answer_of(httpx.post(address, files=files, data={"projectId": "tests"}, timeout=60))
    batch = sent["batchId"]
    named = answer_of(
        httpx.post(address, json={"projectId": "tests", "prefix": "in/", "batchId": batch})
    )
    assert (sent["imageCount"], named["imageCount"]) == (len(photos), len(objects))
    assert named["batchId"] == batch
    total = len(photos) + len(objects)
    installation.wait_for(batch, lambda status: completed(status) and status["imageCount"] == total)
    failed = 2 * len(BROKEN) - 1  # the empty one is no photo under a prefix
    assert_exact_photos(installation, batch, [*photos, *objects], failed)
    assert_same_crops(installation, batch, list(photos), list(objects))


def assert_same_crops(
    installation: Installation, batch: str, names: list[str], keys: list[str]
) -> None:
    """A photo has the same crop by either way."""
    store = object_store(installation.settings)
    crops = installation.crops(batch)
    compared = 0
    for number, key in enumerate(keys, len(names)):
        by_key = f"crops/{batch}/{number:08d}.jpg"
        by_file = f"crops/{batch}/{names.index(key.removeprefix('in/')):08d}.jpg"
        assert (by_key in crops) == (by_file in crops)
        if by_key in crops:
            assert store.read(by_key, 0, 1 << 20) == store.read(by_file, 0, 1 << 20)
            compared += 1
    assert compared > 0


def test_an_object_that_vanished_or_changed_fails_alone(
    installation: Installation, photos: dict[str, bytes]
) -> None:
    store = object_store(installation.settings)
    content = next(iter(photos.values()))
    for key in ("in/1.jpg", "in/2.jpg", "in/4.jpg"):
        store.put(key, content, "image/jpeg")
    sizes = {"in/1.jpg": 0, "in/2.jpg": 1, "in/3.jpg": 0, "in/4.jpg": 0}
    listing = b"".join(listing_line(key, len(content) + more) for key, more in sizes.items())
    batch = "0" * 31 + "a"
    part = ArchiveStored(
        batch=batch,
        project="tests",
        priority=5,
        archive=archive_key(batch, "listing"),
        archive_bytes=len(listing),
        kind="listing",
        name="",
        photos=len(sizes),
        stored_at=time.time(),
    )
    store.put(part.archive, listing, "application/x-ndjson")
    asyncio.run(publish(installation, part))
    rows = installation.rows(batch, len(sizes))
    assert [(row.photo_name, row.error_code) for row in rows] == [
        ("in/1.jpg", None),
        ("in/2.jpg", "entry_broken"),
        ("in/3.jpg", "object_missing"),
        ("in/4.jpg", None),
    ]


async def publish(installation: Installation, part: ArchiveStored) -> None:
    producer = EventProducer(installation.settings.kafka_bootstrap)
    await producer.start()
    topic = topics(installation.settings).archives
    await producer.publish(topic, batch_key(part.batch), encode(part))
    await producer.close()
