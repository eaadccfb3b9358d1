"""Workers that come and go: partitions move to who is there, nothing is lost, an end is quick."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from ops.sample.make import make_sample
from ops.services.minio import MinioServer, minio_binary
from streamapp.stream.publication import run_photos
from streamapp.topics import LANES
from streamapp.wiring.values import topics
from tests.e2e.installation import assert_exact
from tests.fixtures_minio import MinioAccess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamapp.members import Member
    from tests.e2e.installation import Installation

PHOTOS = 500
END_S = 10.0
"""What is promised of an end by SIGTERM."""

Partitions = dict[str, set[int]]
"""Of each topic."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    path = tmp_path / "photos.zip"
    make_sample(path, photos=PHOTOS)
    return path


def assigned(installation: Installation) -> dict[str, Partitions]:
    """What the group gave to the worker at each address."""
    of = topics(installation.settings)

    async def members() -> list[bytes]:
        admin = AIOKafkaAdminClient(bootstrap_servers=installation.settings.kafka_bootstrap)
        await admin.start()
        try:
            [answer] = await admin.describe_consumer_groups([of.app_id])
            return [member[4] for member in answer.groups[0][5]]
        finally:
            await admin.close()

    found = {}
    for told in asyncio.run(members()):
        if told:
            member = ConsumerProtocolMemberAssignment.decode(told)
            url = json.loads(zlib.decompress(member.user_data))["url"]
            found[url.rstrip("/")] = {topic: set(numbers) for topic, numbers in member.assignment}
    return found


def wait_until_assigned(installation: Installation, workers: list[Member]) -> None:
    """Return when exactly these workers are in the group."""
    deadline = time.monotonic() + 60
    while set(assigned(installation)) != {worker.url for worker in workers}:
        assert time.monotonic() < deadline, assigned(installation)
        time.sleep(0.1)


def under_way(installation: Installation, photos: Path) -> str:
    """Upload, and return the batch when photos of it are finished."""
    batch: str = installation.upload(photos)["batchId"]
    installation.wait_for(batch, lambda told: told["progress"]["processed"] >= PHOTOS // 10)
    return batch


def finished(installation: Installation, batch: str) -> None:
    installation.wait_for(batch, lambda told: told["status"] == "completed")


def say_stall(installation: Installation, batch: str, photos_of: Partitions, since: float) -> None:
    """Tell (``pytest -s``) how long no photo of these partitions was finished, at the longest."""
    of = topics(installation.settings)
    size = run_photos(PHOTOS, of.partitions)
    moved = photos_of[of.photos("normal")]
    times = sorted(
        row.finished_at
        for row in installation.rows(batch, PHOTOS)
        if of.run_partition(batch, row.photo_index // size) in moved
        and row.finished_at
        and row.finished_at > since
    )
    assert times, "nothing was left to take over"
    stall = max(after - before for before, after in pairwise([since, *times]))
    print(f"partitions that moved stood still for {stall:.1f} s")  # noqa: T201 - it is the record


def test_every_worker_has_its_share_of_every_topic(installation: Installation) -> None:
    of = topics(installation.settings)
    wait_until_assigned(installation, installation.members.workers)
    for partitions in assigned(installation).values():
        for topic in (of.archives, of.batches, *map(of.photos, LANES)):
            assert len(partitions[topic]) == of.partitions / 2


def test_kill_9_is_taken_over_and_loses_nothing(installation: Installation, photos: Path) -> None:
    killed, _ = installation.members.workers
    batch = under_way(installation, photos)
    of_killed = assigned(installation)[killed.url]
    since = time.time()
    os.kill(killed.daemon.pid, signal.SIGKILL)
    finished(installation, batch)
    assert_exact(installation, batch, photos, failed=0)
    say_stall(installation, batch, of_killed, since)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_end_leaves_its_partitions_at_once(
    installation: Installation,
    photos: Path,
    number: signal.Signals,
) -> None:
    ended, _ = installation.members.workers
    batch = under_way(installation, photos)
    of_ended = assigned(installation)[ended.url]
    since = time.time()
    end(ended, number)
    finished(installation, batch)
    assert_exact(installation, batch, photos, failed=0)
    say_stall(installation, batch, of_ended, since)


def test_a_worker_that_is_added_takes_its_share(installation: Installation, photos: Path) -> None:
    added, other = installation.members.workers
    end(added, signal.SIGTERM)
    batch = under_way(installation, photos)
    added.start()
    wait_until_assigned(installation, [added, other])
    finished(installation, batch)
    assert_exact(installation, batch, photos, failed=0)
    of = topics(installation.settings)
    shares = [len(each[of.photos("normal")]) for each in assigned(installation).values()]
    assert shares == [of.partitions // 2] * 2


def end(worker: Member, number: signal.Signals) -> None:
    """Ask a worker to end, which it does in good order and in time."""
    since = time.monotonic()
    os.kill(worker.daemon.pid, number)
    while worker.daemon.exit_code is None:
        assert time.monotonic() - since < END_S, worker.daemon.log_tail()
        time.sleep(0.02)
    assert worker.daemon.exit_code == 0, worker.daemon.log_tail()


class TestStoreThatHangs:
    """An object store that takes connections and answers nothing."""

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[MinioServer]:
        with MinioServer(tmp_path / "minio", minio_binary()) as running:
            yield running

    @pytest.fixture
    def minio(self, server: MinioServer) -> MinioAccess:
        """A MinIO of this test's own, in the place of the session's."""
        return MinioAccess(server.endpoint, server.access_key, server.secret_key)

    def test_what_is_in_hand_is_handed_back(
        self, installation: Installation, photos: Path, server: MinioServer
    ) -> None:
        batch = under_way(installation, photos)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            end(installation.members.workers[0], signal.SIGTERM)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        finished(installation, batch)
        assert_exact(installation, batch, photos, failed=0)
