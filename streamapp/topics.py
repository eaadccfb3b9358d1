"""The topics: names, partitions, retention, and which lane a photo travels in.

Archives, the batch log and the progress table's changelog have the same key and the same number
of partitions (they are co-partitioned): the worker that expands a batch also folds its progress.
All of them are made by ``streamapp topics``, none by a broker or by Faust on the way.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Literal, get_args
from zlib import crc32

import msgspec

PROGRESS_TABLE = "progress"

Lane = Literal["high", "normal", "low"]
LANES: tuple[Lane, ...] = get_args(Lane)

_LAST_PRIORITIES = (3, 7)
"""The last priority of the high and of the normal lane; what comes after is low."""

_HOUR_MS = 3_600_000

CONTROL_RETENTIONS = 4
"""For how many times as long as events a control is kept: a photo that waits for another attempt
lies in two topics one after the other, and Kafka deletes late, by whole segments."""


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as it must exist: ``config`` holds Kafka's own topic settings."""

    name: str
    partitions: int
    config: dict[str, str] = {}


class Topics(msgspec.Struct, frozen=True, kw_only=True):
    """The topics of one installation; several share a cluster by their ``prefix``."""

    partitions: int
    retention_hours: int = 168
    prefix: str = ""
    attempts: int = 3

    @property
    def app_id(self) -> str:
        """Consumer group of the workers, and the first part of Faust's own topic names."""
        return f"{self.prefix}streamapp"

    @property
    def retry_group(self) -> str:
        """Consumer group of those who bring retries back."""
        return f"{self.app_id}-retry"

    @property
    def archives(self) -> str:
        """`events.ArchiveStored`."""
        return f"{self.prefix}archives"

    @property
    def batches(self) -> str:
        """The batch log, `events.BatchLogEvent`."""
        return f"{self.prefix}batches"

    @property
    def progress_changelog(self) -> str:
        """The progress table's changelog, as Faust names it."""
        return f"{self.app_id}-{PROGRESS_TABLE}-changelog"

    def photos(self, lane: Lane) -> str:
        """`events.PhotoQueued` of one lane."""
        return f"{self.prefix}photos-{lane}"

    @property
    def retries(self) -> tuple[str, ...]:
        """`events.PhotoQueued` that wait for another attempt, one topic for each delay."""
        return tuple(f"{self.prefix}photos-retry-{n}" for n in range(1, self.attempts))

    @property
    def retry_pattern(self) -> str:
        """Regular expression of all topics of retries, also of those of more attempts than now."""
        return f"^{re.escape(self.prefix)}photos-retry-[0-9]+$"

    @property
    def dead(self) -> str:
        """`events.PhotoQueued` that failed in their last attempt, for people to look at."""
        return f"{self.prefix}photos-dead"

    @property
    def control(self) -> str:
        """`events.RunControl`."""
        return f"{self.prefix}control"

    def run_partition(self, batch: str, run: int) -> int:
        """Partition of the photos of run ``run`` (0-based) of a batch: runs take turns.

        Neighbours in the archive stay neighbours in a partition, and batches start at different
        ones.
        """
        return (crc32(batch.encode()) + run) % self.partitions

    def specs(self) -> tuple[TopicSpec, ...]:
        """Every topic, for provisioning."""
        kept_ms = self.retention_hours * _HOUR_MS
        kept = {
            "cleanup.policy": "delete",  # said, since a compacted log would lose events
            "retention.ms": str(kept_ms),
        }
        compacted = {"cleanup.policy": "compact"}
        controls = {
            "cleanup.policy": "compact,delete",
            "retention.ms": str(CONTROL_RETENTIONS * kept_ms),
        }
        photos = [*map(self.photos, LANES), *self.retries, self.dead]
        configs = dict.fromkeys([self.archives, *photos, self.batches], kept)
        return (
            *(
                TopicSpec(name=name, partitions=self.partitions, config=config)
                for name, config in configs.items()
            ),
            TopicSpec(name=self.progress_changelog, partitions=self.partitions, config=compacted),
            TopicSpec(name=self.control, partitions=1, config=controls),
        )


def lane(priority: int) -> Lane:
    """The lane of a batch's photos; priority 1 (first) to 10 (last)."""
    return LANES[bisect_left(_LAST_PRIORITIES, priority)]
