"""Lanes and partitions."""

from __future__ import annotations

from collections import Counter

import pytest

from streamapp import topics


@pytest.mark.parametrize(
    ("priority", "lane"),
    [(1, "high"), (3, "high"), (4, "normal"), (7, "normal"), (8, "low"), (10, "low")],
)
def test_a_priority_has_its_lane(priority: int, lane: str) -> None:
    assert topics.lane(priority) == lane


def test_the_runs_of_a_batch_take_turns_over_all_partitions() -> None:
    partitions = Counter(topics.run_partition("b1", run, 12) for run in range(120))
    assert set(partitions.values()) == {10}
    assert len(partitions) == 12


def test_batches_start_at_different_partitions() -> None:
    assert len({topics.run_partition(f"b{n}", 0, 12) for n in range(100)}) == 12


def test_every_topic_has_the_same_number_of_partitions() -> None:
    specs = topics.topic_specs(partitions=7, retention_hours=1)
    assert {spec.partitions for spec in specs} == {7}


def test_only_the_changelog_is_compacted() -> None:
    specs = topics.topic_specs(partitions=7, retention_hours=2)
    compacted = [spec.name for spec in specs if "cleanup.policy" in spec.config]
    assert compacted == ["streamapp-progress-changelog"]
    kept = {spec.config.get("retention.ms") for spec in specs} - {None}
    assert kept == {"7200000"}
