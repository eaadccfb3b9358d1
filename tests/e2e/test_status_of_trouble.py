"""What the status pages show of a group that is not as it should be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from connectors.kafka.embedded import EmbeddedKafka
from connectors.ports import free_ports
from tests.e2e.outages import frozen
from tests.e2e.status_group import PAGES, Parsed, group, html, told, told_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS_WITHIN_S = 10.0
"""It is promised within two; a loaded machine may take longer to start a thread."""


def test_a_worker_that_hangs_is_shown_and_holds_nobody_up(kafka: str, tmp_path: Path) -> None:
    with group(kafka, tmp_path, session_timeout_s=60) as installation:
        asked, hung = installation.members.workers
        told_once(asked.url, "partitions", lambda page: len(page["workers"]) == 2)
        with frozen(hung.daemon.pid):
            time.sleep(1.1)  # what was gathered before is told for a second
            for page in PAGES:
                since = time.monotonic()
                content = told(asked.url, page)
                assert time.monotonic() - since < ANSWERS_WITHIN_S
                assert content["silent"] == [hung.url]
            text = Parsed(html(asked.url, "partitions").text).text
            assert f"{hung.url} does not answer" in text
            assert "nobody who answers" in text
            assert told(asked.url, "batches")["unanswered"]
        told_once(asked.url, "overview", lambda page: page["silent"] == [])


def test_more_workers_than_partitions_are_told(kafka: str, tmp_path: Path) -> None:
    with group(kafka, tmp_path, partitions=1) as installation:
        urls = [worker.url for worker in installation.members.workers]
        for url in urls:
            content = told_once(url, "overview", lambda page: len(page["notices"]) == 1)
            [notice] = content["notices"]
            assert notice.startswith("There are more workers than partitions (1): worker-")
            assert sorted(each["partitions"] for each in content["workers"]) == [0, 5]
            assert notice in " ".join(Parsed(html(url, "overview").text).text.split())
        idle = [httpx.get(f"{url}/ready", timeout=20).json().get("idle") for url in urls]
        assert sorted(map(str, idle)) == ["None", "more workers than partitions"]


class TestKafkaThatIsGone:
    @pytest.fixture
    def broker(self, tmp_path: Path) -> Iterator[EmbeddedKafka]:
        [port] = free_ports(1)
        with EmbeddedKafka(tmp_path / "kafka", port=port) as running:
            yield running

    def test_the_pages_are_there_and_say_so(self, broker: EmbeddedKafka, tmp_path: Path) -> None:
        with group(broker.bootstrap, tmp_path) as installation:
            url = installation.members.workers[0].url
            broker.stop()
            content = told_once(
                url,
                "services",
                lambda page: any(
                    service["isOpen"]
                    for worker in page["workers"]
                    for service in worker["services"]
                ),
            )
            opened = {
                (service["name"], service["reason"] is not None)
                for worker in content["workers"]
                for service in worker["services"]
                if service["isOpen"]
            }
            assert opened == {("kafka", True)}
            faults = told(url, "errors")["faults"]
            assert any(each["fault"]["said"].startswith("kafka_away") for each in faults)
            assert any("kafka" in (each["away"] or ()) for each in told(url, "overview")["workers"])
            for page in PAGES:
                assert html(url, page).is_success
