"""The topics: names, partitions, retention, and which lane a photo travels in.

Archives, the batch log and the progress table's changelog have the same key and the same number
of partitions (they are co-partitioned): the worker that expands a batch also folds its progress.
All of them are made by ``streamapp topics``, none by a broker or by Faust on the way.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal, get_args
from zlib import crc32

import msgspec

APP_ID = "streamapp"
PROGRESS_TABLE = "progress"

ARCHIVES = "archives"
BATCHES = "batches"
PROGRESS_CHANGELOG = f"{APP_ID}-{PROGRESS_TABLE}-changelog"

Lane = Literal["high", "normal", "low"]
LANES: tuple[Lane, ...] = get_args(Lane)

_LAST_PRIORITIES = (3, 7)
"""The last priority of the high and of the normal lane; what comes after is low."""

_HOUR_MS = 3_600_000


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as it must exist: ``config`` holds Kafka's own topic settings."""

    name: str
    partitions: int
    config: dict[str, str] = {}


def photos_topic(lane: Lane) -> str:
    """Name of the topic that carries the photos of a lane."""
    return f"photos-{lane}"


def lane(priority: int) -> Lane:
    """The lane of a batch's photos; priority 1 (first) to 10 (last)."""
    return LANES[bisect_left(_LAST_PRIORITIES, priority)]


def run_partition(batch: str, run: int, partitions: int) -> int:
    """Partition of the photos of run ``run`` (0-based) of a batch: runs take turns.

    Neighbours in the archive stay neighbours in a partition, and batches start at different ones.
    """
    return (crc32(batch.encode()) + run) % partitions


def topic_specs(*, partitions: int, retention_hours: int) -> tuple[TopicSpec, ...]:
    """Every topic of an installation."""
    kept = {"retention.ms": str(retention_hours * _HOUR_MS)}
    compacted = {"cleanup.policy": "compact"}
    configs = {ARCHIVES: kept, BATCHES: kept, PROGRESS_CHANGELOG: compacted}
    configs |= {photos_topic(each): kept for each in LANES}
    return tuple(
        TopicSpec(name=name, partitions=partitions, config=config)
        for name, config in configs.items()
    )
