"""Kafka that hangs or dies in mid-batch: nothing is lost, no photo fails, and the work resumes."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from connectors.kafka.embedded import EmbeddedKafka
from connectors.ports import free_ports
from tests.e2e.installation import BROKEN, assert_exact
from tests.e2e.outages import Memory, frozen, wait_until_away, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.installation import Installation

AWAY_S = 12.0
"""Twice the session timeout: Kafka has given the workers up when it is back."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    [port] = free_ports(1)
    with EmbeddedKafka(tmp_path / "kafka", port=port) as running:
        yield running


@pytest.fixture
def kafka(broker: EmbeddedKafka) -> str:
    """A Kafka of this test's own, in the place of the session's."""
    return broker.bootstrap


def test_a_kafka_that_hangs_and_one_that_is_killed_lose_nothing(
    installation: Installation, archive: Path, broker: EmbeddedKafka
) -> None:
    members = installation.members
    batch = installation.upload(archive)["batchId"]
    seen = installation.wait_for(batch, lambda status: status["progress"]["processed"] > 0)
    memory = Memory(members)
    with frozen(broker.pid):
        wait_until_away(members, "kafka")
        time.sleep(AWAY_S)
    os.kill(broker.pid, signal.SIGKILL)
    wait_until_away(members, "kafka")
    time.sleep(AWAY_S)
    broker.watch()
    seen += installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen), "progress went backwards"
    wait_until_ready(members)
    assert_exact(installation, batch, archive, failed=len(BROKEN))
    memory.assert_flat()


def test_workers_without_work_notice_that_kafka_is_away(
    installation: Installation, broker: EmbeddedKafka
) -> None:
    with frozen(broker.pid):
        wait_until_away(installation.members, "kafka")
    wait_until_ready(installation.members)
