"""PHOTO_ATTEMPTS=1: no topic of retries is there, and what fails by load is dead at once."""

from __future__ import annotations

import asyncio
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from ops.sample.make import make_sample
from streamapp.events import decode_photo
from streamapp.wiring.values import topics
from tests.data.hostile_jpeg import of_many_scans
from tests.e2e.installation import BROKEN, assert_exact
from tests.e2e.kafka_sight import everything_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation

PHOTOS = 40


@pytest.fixture
def other_settings() -> dict[str, Any]:
    return {"photo_attempts": 1}


async def topics_of(installation: Installation) -> set[str]:
    """The installation's topics, without their prefix."""
    settings = installation.settings
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        found = await admin.list_topics()
    finally:
        await admin.close()
    prefix = settings.kafka_prefix
    return {name.removeprefix(prefix) for name in found if name.startswith(prefix)}


def test_what_would_be_tried_again_fails_after_its_one_attempt_and_lies_among_the_dead(
    installation: Installation, tmp_path: Path
) -> None:
    assert not [name for name in asyncio.run(topics_of(installation)) if "retry" in name]
    archive = tmp_path / "photos.zip"
    make_sample(archive, photos=PHOTOS)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("slow.jpg", of_many_scans(9_600, 2000))
        for name, content in BROKEN.items():
            opened.writestr(name, content)
    batch = installation.upload(archive)["batchId"]
    seen = installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen)
    assert_exact(installation, batch, archive, failed=1 + len(BROKEN))
    slow = next(row for row in installation.rows(batch, PHOTOS) if row.photo_name == "slow.jpg")
    assert slow.error_code == "photo_timed_out"

    [letter] = everything_in(installation.settings, topics(installation.settings).dead)
    assert letter.key == f"{batch}/{PHOTOS}".encode()
    assert decode_photo(letter.value).name == "slow.jpg"
    headers = dict(letter.headers)
    [attempt] = json.loads(headers["attempts"])
    assert attempt["code"] == "photo_timed_out"
    assert headers["lane"] == b"normal"
    assert "due" not in headers
    assert not [name for name in asyncio.run(topics_of(installation)) if "retry" in name]
