"""Photos that wait for another attempt, while who would bring them back dies, or Kafka does."""

from __future__ import annotations

import json
import os
import signal
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from connectors.kafka.embedded import EmbeddedKafka
from connectors.ports import free_ports
from streamapp.stream.retry import JITTER
from streamapp.wiring.values import topics
from tests.data.hostile_jpeg import of_many_scans
from tests.e2e.installation import BROKEN, PATIENCE_S, assert_exact
from tests.e2e.kafka_sight import everything_in, members_of, to_come
from tests.e2e.outages import frozen, wait_until_away, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiokafka import TopicPartition

    from tests.e2e.installation import Installation
    from tests.e2e.kafka_sight import Places

pytestmark = pytest.mark.timeout(300)  # it waits twice, with patience

ATTEMPTS = 2
DELAY_S = 25.0
"""Long enough that all of them wait before the first one is due."""

AWAY_S = 12.0
"""Twice the session timeout: Kafka has given the group's members up when it is back."""

SLOW = 4
"""One for each partition, so that every member of the group has some of them."""


@pytest.fixture
def other_settings() -> dict[str, Any]:
    return {
        "partitions": SLOW,
        "photo_attempts": ATTEMPTS,
        "photo_time_limit_s": 0.5,
        "retry_delay_s": DELAY_S,
    }


@pytest.fixture
def slow_photos(tmp_path: Path) -> Path:
    """Photos that always overrun their time, and three that are none."""
    path = tmp_path / "slow.zip"
    content = of_many_scans(9_600, 2000)
    with zipfile.ZipFile(path, "w") as opened:
        for number in range(SLOW):
            opened.writestr(f"{number:02d}.jpg", content)
        for name, broken in BROKEN.items():
            opened.writestr(name, broken)
    return path


def waiting(installation: Installation) -> Places:
    """What waits in the topics of retries, by partition."""
    of = topics(installation.settings)
    return to_come(installation.settings, of.retry_group, of.retries)


def wait_until_all_wait(installation: Installation) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while sum(waiting(installation).values()) < SLOW:
        assert time.monotonic() < deadline, waiting(installation)
        time.sleep(0.2)


def wait_until_none_waits(installation: Installation) -> None:
    """Return when all were committed: one that lost its commit in the outage is moved again."""
    deadline = time.monotonic() + PATIENCE_S
    while left := waiting(installation):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def last_due_of(installation: Installation) -> float:
    """When the last of those that wait is due, in Unix seconds."""
    [topic] = topics(installation.settings).retries
    return max(
        float(dict(retry.headers)["due"]) for retry in everything_in(installation.settings, topic)
    )


def sit_out(installation: Installation, last_due: float) -> None:
    """Return when Kafka has been away for longer than a session, and all retries are due."""
    assert time.time() < last_due
    wait_until_away(installation.members, "kafka")
    time.sleep(max(AWAY_S, last_due - time.time()))


def movers(installation: Installation) -> dict[str, set[TopicPartition]]:
    """The members of the group that brings retries back."""
    return members_of(installation.settings, topics(installation.settings).retry_group)


def assert_all_came_back(installation: Installation, batch: str, archive: Path) -> None:
    """Every photo had all its attempts, none before it was due, and failed once."""
    assert_exact(installation, batch, archive, failed=SLOW + len(BROKEN))
    rows = installation.rows(batch, SLOW + len(BROKEN))
    overran = {row.photo_index for row in rows if row.error_code == "photo_timed_out"}
    assert overran == set(range(SLOW))
    wait_until_none_waits(installation)
    letters = everything_in(installation.settings, topics(installation.settings).dead)
    assert {letter.key.decode() for letter in letters} == {f"{batch}/{n}" for n in range(SLOW)}
    for letter in letters:
        attempts = json.loads(dict(letter.headers)["attempts"])
        assert [attempt["code"] for attempt in attempts] == ["photo_timed_out"] * ATTEMPTS
        first, second = (attempt["at"] for attempt in attempts)
        assert second - first >= DELAY_S * (1 - JITTER)


def test_what_a_killed_member_would_have_brought_back_another_one_does(
    installation: Installation, slow_photos: Path
) -> None:
    batch = installation.upload(slow_photos)["batchId"]
    wait_until_all_wait(installation)
    before = movers(installation)
    assert len(before) == len(installation.members.workers)
    waited = waiting(installation)
    os.kill(installation.members.workers[0].daemon.pid, signal.SIGKILL)
    seen = installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen), "progress went backwards"
    [(survivor, now)] = movers(installation).items()
    of_killed = set().union(*(places for name, places in before.items() if name != survivor))
    assert of_killed & waited.keys(), "nothing was left to take over"
    assert now == set().union(*before.values())
    assert_all_came_back(installation, batch, slow_photos)


class TestKafkaAway:
    """Kafka goes while they wait, and is away when they come due."""

    @pytest.fixture
    def broker(self, tmp_path: Path) -> Iterator[EmbeddedKafka]:
        [port] = free_ports(1)
        with EmbeddedKafka(tmp_path / "kafka", port=port) as running:
            yield running

    @pytest.fixture
    def kafka(self, broker: EmbeddedKafka) -> str:
        """A Kafka of this test's own, in the place of the session's."""
        return broker.bootstrap

    @pytest.mark.parametrize("how", ["killed", "frozen"])
    def test_they_come_back_when_it_is_there_again(
        self, installation: Installation, slow_photos: Path, broker: EmbeddedKafka, how: str
    ) -> None:
        batch = installation.upload(slow_photos)["batchId"]
        wait_until_all_wait(installation)
        last_due = last_due_of(installation)
        if how == "killed":
            os.kill(broker.pid, signal.SIGKILL)
            sit_out(installation, last_due)
            broker.watch()
        else:
            with frozen(broker.pid):
                sit_out(installation, last_due)
        seen = installation.wait_for(batch, lambda status: status["status"] == "completed")
        assert seen == sorted(seen), "progress went backwards"
        wait_until_ready(installation.members)
        assert_all_came_back(installation, batch, slow_photos)
