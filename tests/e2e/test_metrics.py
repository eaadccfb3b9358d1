"""What the workers of a group measure, before the first photo and after a batch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from streamapp.topics import LANES
from streamapp.wiring.values import topics
from tests.e2e.installation import BROKEN, PATIENCE_S, PHOTOS
from tests.e2e.outages import metrics

if TYPE_CHECKING:
    from pathlib import Path

    from streamapp.members import Member
    from tests.e2e.installation import Installation


def samples(worker: Member, name: str) -> dict[tuple[str, ...], float]:
    """The values of a family by the values of their labels."""
    return {
        tuple(sample.labels[label] for label in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(metrics(worker))
        for sample in family.samples
        if sample.name == name
    }


def summed(installation: Installation, name: str) -> dict[tuple[str, ...], float]:
    """The same of all workers together."""
    found: dict[tuple[str, ...], float] = {}
    for worker in installation.members.workers:
        for labels, value in samples(worker, name).items():
            found[labels] = found.get(labels, 0) + value
    return found


def test_all_counters_are_there_before_the_first_photo(installation: Installation) -> None:
    worker = installation.members.workers[0]
    states = ("completed", "failed", "cancelled")
    assert samples(worker, "streamapp_photos_total") == {
        (lane, state): 0.0 for lane in LANES for state in states
    }
    for name in ("retries", "dead_letters"):
        assert samples(worker, f"streamapp_{name}_total") == {(lane,): 0.0 for lane in LANES}
    assert samples(worker, "streamapp_children_replaced_total") == {(): 0.0}


def test_the_workers_have_all_partitions_and_their_children(installation: Installation) -> None:
    of = topics(installation.settings)
    streams = (of.archives, of.batches, *map(of.photos, LANES))
    deadline = time.monotonic() + PATIENCE_S
    expected = {(topic,): float(of.partitions) for topic in streams}
    while (partitions := summed(installation, "streamapp_partitions")) != expected:
        assert time.monotonic() < deadline, partitions
        time.sleep(0.1)
    while (children := summed(installation, "streamapp_children")) != {
        ("wanted",): 2.0,
        ("alive",): 2.0,
        ("busy",): 0.0,
    }:
        assert time.monotonic() < deadline, children
        time.sleep(0.1)


def test_a_batch_is_counted_by_lane_and_state(installation: Installation, archive: Path) -> None:
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    deadline = time.monotonic() + PATIENCE_S  # the count follows by a moment
    while sum((photos := summed(installation, "streamapp_photos_total")).values()) < PHOTOS + 3:
        assert time.monotonic() < deadline, photos
        time.sleep(0.1)
    assert photos["normal", "failed"] >= len(BROKEN)
    assert not any(value for (lane, _), value in photos.items() if lane != "normal")
