"""A photo that overruns its time is tried again, and fails with its history after the last one."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from ops.sample.make import make_sample
from streamapp.wiring.values import topics
from tests.data.hostile_jpeg import of_many_scans
from tests.e2e.kafka_sight import everything_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation

PHOTOS = 40
ATTEMPTS = 3


@pytest.fixture
def other_settings() -> dict[str, Any]:
    return {"photo_attempts": ATTEMPTS, "retry_delay_s": 0.5}


def test_a_photo_that_always_overruns_its_time_fails_after_its_attempts_and_no_other_does(
    installation: Installation, tmp_path: Path
) -> None:
    archive = tmp_path / "photos.zip"
    make_sample(archive, photos=PHOTOS)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("slow.jpg", of_many_scans(9_600, 2000))
    batch = installation.upload(archive)["batchId"]
    seen = installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen)
    rows = installation.rows(batch, PHOTOS + 1)
    assert len(rows) == PHOTOS + 1
    failed = [row for row in rows if row.processing_status == "failed"]
    assert [(row.photo_name, row.error_code) for row in failed] == [("slow.jpg", "photo_timed_out")]
    letters = everything_in(installation.settings, topics(installation.settings).dead)
    assert {letter.key for letter in letters} == {f"{batch}/{PHOTOS}".encode()}
    for letter in letters:
        headers = dict(letter.headers)
        attempts = json.loads(headers["attempts"])
        assert [attempt["code"] for attempt in attempts] == ["photo_timed_out"] * ATTEMPTS
        times = [attempt["at"] for attempt in attempts]
        assert times == sorted(set(times))
        assert headers["lane"] == b"normal"
