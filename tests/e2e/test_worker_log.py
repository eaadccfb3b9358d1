"""What a worker writes into its log from its start to its end, on a Kafka that is new."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from connectors.kafka import admin
from connectors.kafka.embedded import EmbeddedKafka
from connectors.ports import free_ports
from streamapp.members import Members
from streamapp.settings import read_settings
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamapp.settings import Settings

PATIENCE_S = 60.0
LINE = re.compile(r"\d{4}-\S+ \S+ (?P<level>[A-Z]+) (?P<name>\S+): (?P<said>.*)")


class Line(NamedTuple):
    level: str
    name: str
    said: str


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A Kafka that no group has met: its first answer to each is that it has no coordinator."""
    [port] = free_ports(1)
    with EmbeddedKafka(tmp_path / "kafka", port=port) as running:
        yield running


@pytest.fixture
def settings(broker: EmbeddedKafka, tmp_path: Path) -> Settings:
    settings = read_settings(
        data_dir=tmp_path / "data",
        kafka_bootstrap=broker.bootstrap,
        records_url="",
        objects_url="",
        worker_concurrency=1,
        partitions=4,
    )
    asyncio.run(admin.provision(broker.bootstrap, topics(settings).specs(), replication_factor=1))
    return settings


def log_of(settings: Settings, number: int) -> list[Line]:
    """Each line of a worker's log; a line of another form is of no logger."""
    text = (settings.data_dir / f"worker-{number}.log").read_text()
    lines = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(lines), text
    return [Line(**found.groupdict()) for found in lines if found]


def wait_until_said(settings: Settings, what: str) -> list[Line]:
    """The log of the first worker once a line of it begins with ``what``."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        lines = log_of(settings, 1)
        if any(line.said.startswith(what) for line in lines):
            return lines
        assert time.monotonic() < deadline, lines
        time.sleep(0.1)


def test_a_log_tells_in_few_lines_of_ours_what_a_worker_came_to(settings: Settings) -> None:
    with Members(settings, workers=2):
        wait_until_said(settings, "Ready in ")
    for number in (1, 2):
        lines = log_of(settings, number)
        assert {line.level for line in lines} == {"INFO"}, lines
        assert all(line.name.startswith("streamapp.") for line in lines), lines
        assert len(lines) < 15, lines
        said = [line.said for line in lines]
        assert f"worker {number}: group streamapp on {settings.kafka_bootstrap}" in said[0]
        assert re.match(r"Partitions gained: [0-3](-3)?.* of archives, batches, photos", said[1])
        assert any(re.fullmatch(r"Ready in \d+\.\d s\.", each) for each in said)
        assert "Stopping." in said[-3:], "a rebalance may come to its end after it"
        assert said[-1] == "Stopped."


def test_partitions_that_go_to_another_worker_are_told_as_lost(settings: Settings) -> None:
    with Members(settings, workers=2) as members:
        members.workers[1].daemon.stop()
        wait_until_said(settings, "Ready in ")
        members.workers[1].start()
        lines = wait_until_said(settings, "Partitions lost: ")
    lost = next(line.said for line in lines if line.said.startswith("Partitions lost: "))
    assert re.search(r"[0-3](-[0-3])?(, [0-3])? of archives, batches, photos-high", lost)


def test_at_debug_the_libraries_are_heard(settings: Settings) -> None:
    with Members(settings.model_copy(update={"log_level": "DEBUG"}), workers=1):
        pass
    text = (settings.data_dir / "worker-1.log").read_text()
    assert " INFO aiokafka.consumer.group_coordinator: Joined group 'streamapp'" in text
    assert " INFO faust.tables.recovery: " in text
    assert "GroupCoordinatorNotAvailableError" in text


def test_a_kafka_that_is_gone_is_told_by_us_and_by_its_client(
    settings: Settings, broker: EmbeddedKafka
) -> None:
    with Members(settings, workers=1):
        broker.stop()
        lines = wait_until_said(settings, "kafka_away")
    told = next(line for line in lines if line.said.startswith("kafka_away"))
    assert told.level == "WARNING"
    assert told.name == "streamapp.stream.circuit"
    assert any(line.name.startswith("aiokafka.") for line in lines)
