"""The whole path on real Kafka, MinIO and MariaDB: a ZIP in over HTTP, crops, rows, progress."""

from __future__ import annotations

import asyncio
import os
import signal
import zipfile
from typing import TYPE_CHECKING

import cv2
import httpx
import numpy as np
import pytest

from connectors.kafka import admin
from ops.sample.make import make_sample
from streamapp.members import Members
from streamapp.settings import read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics
from tests.e2e.installation import Installation, assert_exact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures_minio import MinioAccess

PHOTOS = 120
BROKEN = {
    "notes.txt": b"no photo at all",
    "empty.jpg": b"",
    "cut.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
}


@pytest.fixture
def installation(
    kafka: str, minio: MinioAccess, mysql_url: str, tmp_path: Path
) -> Iterator[Installation]:
    """An uploader and two workers with a topic prefix, a bucket and a database of their own."""
    name = tmp_path.name
    settings = read_settings(
        data_dir=tmp_path / "data",
        kafka_bootstrap=kafka,
        kafka_prefix=f"{name}.",
        objects_url=f"http://{minio.endpoint}/{name.replace('_', '-')}",
        objects_access_key=minio.access_key,
        objects_secret_key=minio.secret_key,
        records_url=mysql_url,
        worker_concurrency=1,
    )
    object_store(settings).prepare()
    asyncio.run(admin.provision(kafka, topics(settings).specs(), replication_factor=1))
    with Members(settings, workers=2) as members:
        yield Installation(settings, members)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Photos with a face, photos without, and three that are none."""
    path = tmp_path / "photos.zip"
    make_sample(path, photos=PHOTOS)
    with zipfile.ZipFile(path, "a") as opened:
        for name, content in BROKEN.items():
            opened.writestr(name, content)
    return path


def test_every_photo_ends_in_one_state_and_everybody_agrees(
    installation: Installation, archive: Path
) -> None:
    answer = installation.upload(archive, priority="2")
    batch = answer["batchId"]
    photos = PHOTOS + len(BROKEN)
    assert answer == {"success": True, "batchId": batch, "imageCount": photos, "queued": photos}
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert_exact(installation, batch, archive, failed=len(BROKEN))


def test_a_crop_is_a_square_picture_of_the_face(installation: Installation, archive: Path) -> None:
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    row = next(row for row in installation.rows(batch, PHOTOS) if row.face_detected)
    store = object_store(installation.settings)
    crop = store.read(f"crops/{batch}/{row.photo_index:08d}.jpg", 0, 1 << 20)
    assert cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR).shape == (300, 300, 3)
    assert row.face_crop_url is not None
    assert row.face_width is not None
    assert row.face_width > 0


def test_kill_9_of_a_worker_in_mid_batch_loses_nothing_and_counts_nothing_twice(
    installation: Installation, archive: Path
) -> None:
    batch = installation.upload(archive)["batchId"]
    photos = PHOTOS + len(BROKEN)
    before = installation.wait_for(batch, lambda status: status["progress"]["processed"] > 0)
    os.kill(installation.members.workers[0].daemon.pid, signal.SIGKILL)
    assert before[-1] < photos, "the batch was over before the kill"
    seen = before + installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen), "progress went backwards"
    assert_exact(installation, batch, archive, failed=len(BROKEN))


def test_an_unknown_batch_is_unknown_to_uploader_and_workers(installation: Installation) -> None:
    for member in installation.members:
        answer = httpx.get(f"{member.url}/api/batch/status/{'0' * 31}7", timeout=10)
        assert answer.status_code == httpx.codes.NOT_FOUND
        assert answer.json()["code"] == "batch_unknown"
