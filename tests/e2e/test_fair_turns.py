"""Fairness, cancel, priority and a kill in mid-expansion, on real Kafka, MinIO and MariaDB."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import zipfile
from typing import TYPE_CHECKING, Any

import cv2
import httpx
import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.kafka.producer import EventProducer
from streamapp.events import BatchCancelled, PriorityChanged, encode
from streamapp.keys import STATUS_PATH, batch_key
from streamapp.stream.load import PIECE_PHOTOS
from streamapp.topics import LANES
from streamapp.wiring.values import topics
from tests.e2e.installation import assert_exact
from tests.e2e.test_cancelled_run import until_idle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamapp.events import BatchLogEvent
    from streamapp.members import Member
    from streamapp.topics import Lane
    from tests.e2e.installation import Installation

LARGE = 3000
SMALL = 100
EVERY = 8
"""One in so many is an image, which takes its time; the others fail in none."""
WITHIN_S = 1.0
"""What is said to act at once."""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return tiny_photos(tmp_path / "large.zip", LARGE)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return tiny_photos(tmp_path / "small.zip", SMALL)


def tiny_photos(path: Path, photos: int) -> Path:
    gray = cv2.imencode(".jpg", np.full((48, 48, 3), 127, np.uint8))[1].tobytes()
    with zipfile.ZipFile(path, "w") as opened:
        for number in range(photos):
            opened.writestr(f"{number:05d}.jpg", b"no image" if number % EVERY else gray)
    return path


def failing(photos: int) -> int:
    return photos - len(range(0, photos, EVERY))


def photos_published(installation: Installation) -> dict[Lane, int]:
    """The events that were ever put on each lane's topic."""

    async def ends() -> dict[Lane, int]:
        of = topics(installation.settings)
        async with AIOKafkaConsumer(
            bootstrap_servers=installation.settings.kafka_bootstrap
        ) as consumer:
            found: dict[Lane, int] = {}
            for lane in LANES:
                tps = [TopicPartition(of.photos(lane), n) for n in range(of.partitions)]
                found[lane] = sum((await consumer.end_offsets(tps)).values())
            return found

    return asyncio.run(ends())


def tell(installation: Installation, event: BatchLogEvent) -> None:
    """Append to the batch log."""

    async def publish() -> None:
        producer = EventProducer(installation.settings.kafka_bootstrap)
        log = topics(installation.settings).batches
        await producer.publish(log, batch_key(event.batch), encode(event))
        await producer.close()

    asyncio.run(publish())


def status(installation: Installation, batch: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    installation.wait_for(batch, lambda told: not found.append(told))  # type: ignore[func-returns-value] # keeps it
    return found[0]


def owner(installation: Installation, batch: str) -> Member:
    """The worker that answers for the batch, and expands it."""
    asked = {
        worker: httpx.get(
            f"{worker.url}{STATUS_PATH}/{batch}", headers={"X-Streamapp-Routed": "1"}, timeout=10
        )
        for worker in installation.members.workers
    }
    return next(worker for worker, answer in asked.items() if answer.status_code == httpx.codes.OK)


def under_way(installation: Installation, archive: Path, **fields: str) -> str:
    """Upload, and return the batch when it is in mid-expansion."""
    batch: str = installation.upload(archive, **fields)["batchId"]
    installation.wait_for(batch, lambda told: told["progress"]["processed"] > 0)
    return batch


def within(seconds: float, reached: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_small_batch_passes_a_large_one_and_the_topics_stay_small(
    installation: Installation, large: Path, small: Path
) -> None:
    of = installation.settings
    window = of.partitions * of.pace_photos_per_partition
    batch = under_way(installation, large)
    passing = installation.upload(small)["batchId"]
    installation.wait_for(passing, lambda told: told["status"] == "completed")
    assert status(installation, batch)["progress"]["processed"] < LARGE / 2
    waiting = []
    while (told := status(installation, batch))["status"] != "completed":
        published = sum(photos_published(installation).values()) - SMALL
        waiting.append(published - status(installation, batch)["progress"]["processed"])
    assert waiting, "the large batch was over too soon"
    assert max(waiting) <= window + PIECE_PHOTOS
    assert told["imageCount"] == LARGE
    assert_exact(installation, batch, large, failed=failing(LARGE))
    assert_exact(installation, passing, small, failed=failing(SMALL))


def test_kill_9_of_the_owner_in_mid_expansion_loses_and_repeats_next_to_nothing(
    installation: Installation, large: Path
) -> None:
    batch = under_way(installation, large)
    killed = owner(installation, batch)
    os.kill(killed.daemon.pid, signal.SIGKILL)
    assert sum(photos_published(installation).values()) < LARGE, "all was queued before the kill"
    seen = installation.wait_for(batch, lambda told: told["status"] == "completed")
    assert seen == sorted(seen), "progress went backwards"
    assert_exact(installation, batch, large, failed=failing(LARGE))
    assert LARGE <= sum(photos_published(installation).values()) <= LARGE + PIECE_PHOTOS


def test_a_cancelled_batch_is_queued_no_further(installation: Installation, large: Path) -> None:
    batch = under_way(installation, large)
    tell(installation, BatchCancelled(batch=batch, project="tests", cancelled_at=time.time()))
    assert within(WITHIN_S, lambda: status(installation, batch)["status"] == "cancelled")
    queued = photos_published(installation)
    assert sum(queued.values()) < LARGE
    asyncio.run(until_idle(installation))
    assert photos_published(installation) == queued


def test_a_changed_priority_takes_the_next_photos_to_another_lane(
    installation: Installation, large: Path
) -> None:
    batch = under_way(installation, large, priority="9")
    assert photos_published(installation)["high"] == 0
    change = PriorityChanged(batch=batch, project="tests", priority=1, changed_at=time.time())
    tell(installation, change)
    assert within(WITHIN_S, lambda: status(installation, batch)["priority"] == 1)
    low = photos_published(installation)["low"]
    installation.wait_for(batch, lambda told: told["status"] == "completed")
    assert photos_published(installation) == {"high": LARGE - low, "normal": 0, "low": low}
