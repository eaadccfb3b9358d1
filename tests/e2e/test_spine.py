"""The whole path on real Kafka, MinIO and MariaDB: a ZIP in over HTTP, crops, rows, progress."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import cv2
import httpx
import numpy as np

from streamapp.wiring.stores import object_store
from tests.e2e.installation import BROKEN, PHOTOS, assert_exact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation


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
    picture = cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (300, 300, 3)
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
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "batch_unknown"
        assert answer.json()["type"] == "urn:streamapp:error:batch_unknown"
