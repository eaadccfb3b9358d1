"""Lanes and partitions."""

from __future__ import annotations

from collections import Counter

import pytest

from streamapp.topics import Topics, lane

TOPICS = Topics(partitions=12, retention_hours=2)


@pytest.mark.parametrize(
    ("priority", "expected"),
    [(1, "high"), (3, "high"), (4, "normal"), (7, "normal"), (8, "low"), (10, "low")],
)
def test_a_priority_has_its_lane(priority: int, expected: str) -> None:
    assert lane(priority) == expected


def test_the_runs_of_a_batch_take_turns_over_all_partitions() -> None:
    partitions = Counter(TOPICS.run_partition("b1", run) for run in range(120))
    assert set(partitions.values()) == {10}
    assert len(partitions) == 12


def test_batches_start_at_different_partitions() -> None:
    assert len({TOPICS.run_partition(f"b{n}", 0) for n in range(100)}) == 12


def test_every_topic_but_the_controls_has_the_same_number_of_partitions() -> None:
    partitions = {spec.name: spec.partitions for spec in TOPICS.specs()}
    assert partitions.pop("control") == 1
    assert set(partitions.values()) == {12}


def test_a_retry_has_a_topic_for_each_delay() -> None:
    assert TOPICS.retries == ("photos-retry-1", "photos-retry-2")
    assert not Topics(partitions=12, attempts=1).retries


def test_only_the_changelog_and_the_controls_are_compacted() -> None:
    policies = {spec.name: spec.config["cleanup.policy"] for spec in TOPICS.specs()}
    assert policies.pop("streamapp-progress-changelog") == "compact"
    assert policies.pop("control") == "compact,delete"
    assert set(policies.values()) == {"delete"}


def test_the_changelog_is_kept_for_ever_and_a_control_longer_than_any_photo_it_is_about() -> None:
    kept = {spec.name: int(spec.config.get("retention.ms", 0)) for spec in TOPICS.specs()}
    assert kept.pop("streamapp-progress-changelog") == 0
    assert kept.pop("control") == 4 * 7_200_000
    assert set(kept.values()) == {7_200_000}


def test_a_prefix_keeps_two_installations_apart() -> None:
    names = {spec.name for spec in TOPICS.specs()}
    prefixed = Topics(partitions=12, prefix="other.")
    assert names.isdisjoint(spec.name for spec in prefixed.specs())
    assert prefixed.app_id != TOPICS.app_id
