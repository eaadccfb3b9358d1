"""A run is cancelled while it is worked on: what was queued is passed over, and stays so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.sample.make import make_sample
from streamapp.keys import crop_key
from streamapp.topics import LANES
from streamapp.wiring.values import topics
from tests.e2e.installation import PATIENCE_S
from tests.e2e.test_replay import reset_to_earliest

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.records.interface import PhotoRecord
    from tests.e2e.installation import Installation

PHOTOS = 700
BEFORE = 20
"""Photos that are done when it is cancelled."""


def cancel(installation: Installation, batch: str) -> None:
    url = f"{installation.members.uploader.url}/api/batch/{batch}/cancel"
    assert httpx.post(url, timeout=10).status_code == httpx.codes.OK


async def until_idle(installation: Installation) -> None:
    """Return when the workers have acknowledged all that is on their topics."""
    settings = installation.settings
    of = topics(settings)
    names = [of.archives, of.batches, *map(of.photos, LANES)]
    places = [TopicPartition(name, n) for name in names for n in range(of.partitions)]
    async with (
        asyncio.timeout(PATIENCE_S),
        AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap,
            group_id=of.app_id,
            enable_auto_commit=False,
        ) as reader,
    ):
        reader.assign(places)
        while True:
            ends = await reader.end_offsets(places)
            if all([(await reader.committed(p) or 0) == ends[p] for p in places]):
                return
            await asyncio.sleep(0.2)


def assert_settled(installation: Installation, batch: str) -> list[PhotoRecord]:
    """What was done has its row and its crop, what was queued else a row that says cancelled."""
    status = installation.ask(installation.members.uploader.url, batch)
    assert status is not None
    assert status["status"] == "cancelled"
    rows = installation.rows(batch, status["queued"])
    assert [row.photo_index for row in rows] == list(range(status["queued"]))
    states = [row.processing_status for row in rows]
    assert set(states) == {"completed", "cancelled"}
    assert BEFORE <= states.count("completed") < states.count("cancelled")
    done = states.count("completed")
    assert status["progress"] == {"processed": done, "total": PHOTOS, "failed": 0}
    assert status["cancelled"] == PHOTOS - done
    with_face = [row.photo_index for row in rows if row.face_detected]
    assert installation.crops(batch) == {crop_key(batch, index) for index in with_face}
    return rows


def test_what_was_queued_of_a_cancelled_run_is_passed_over_and_stays_so_when_read_again(
    installation: Installation, tmp_path: Path
) -> None:
    archive = tmp_path / "photos.zip"
    make_sample(archive, photos=PHOTOS)
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["progress"]["processed"] >= BEFORE)
    cancel(installation, batch)
    installation.wait_for(batch, lambda status: status.get("settled", False))
    asyncio.run(until_idle(installation))
    rows = assert_settled(installation, batch)
    logs = installation.settings.data_dir.glob("*.log")
    assert any(f"Batch {batch}: run 1 is cancelled." in log.read_text() for log in logs)

    for worker in installation.members.workers:
        worker.daemon.stop()
    settings = installation.settings
    asyncio.run(reset_to_earliest(settings.kafka_bootstrap, topics(settings)))
    for worker in installation.members.workers:
        worker.start()
    installation.wait_for(batch, lambda status: status.get("settled", False))
    asyncio.run(until_idle(installation))
    again = assert_settled(installation, batch)
    assert [_facts(row) for row in again] == [_facts(row) for row in rows]


def _facts(row: PhotoRecord) -> PhotoRecord:
    cancelled = row.processing_status == "cancelled"
    return msgspec.structs.replace(row, finished_at=0.0) if cancelled else row
