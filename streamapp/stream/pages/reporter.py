"""The report of this worker, made of what its parts know at the moment; nothing is waited for."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

from streamapp.stream.pages import report
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faust.tables import TableManager
    from faust.types import TP

    from streamapp.stream.circuit import Circuits
    from streamapp.stream.detect import Detection
    from streamapp.stream.faults import LastFaults
    from streamapp.stream.generations import WorkerApp
    from streamapp.stream.local_state import LocalTable
    from streamapp.stream.metrics import Metrics
    from streamapp.stream.ownership import Ownership
    from streamapp.stream.pages.known import KnownBatches
    from streamapp.stream.probes import Health
    from streamapp.stream.watchdog import Watchdog
    from streamapp.topics import Topics
    from streamapp.vision.children import Children

VERSIONS = report.Versions(
    streamapp=version("streamapp"),
    python=platform.python_version(),
    faust=version("faust-streaming"),
    aiokafka=version("aiokafka"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Makes it; the fields are the parts."""

    app: WorkerApp
    name: str
    topics: Topics
    table: LocalTable
    ownership: Ownership
    health: Health
    watchdog: Watchdog
    detection: Detection
    children: Children
    circuits: Circuits
    metrics: Metrics
    faults: LastFaults
    known: KnownBatches
    held: Callable[[], list[TP]]
    started_at: float
    clock: Callable[[], float]

    def __call__(self) -> report.Report:
        """The report of now."""
        return report.Report(
            worker=self.name,
            url=str(self.app.conf.canonical_url).rstrip("/"),
            at=self.clock(),
            started_at=self.started_at,
            ready=self.health.is_ready,
            why=tuple(self.health.why),
            live=self.health.is_live,
            idle=self.ownership.idle,
            rate=self.metrics.rate.per_second,
            in_hand=self.detection.photos_in_hand,
            partitions=self._partitions(),
            topics=self._streams(),
            partition_count=self.topics.partitions,
            lags=tuple(self._lags()),
            table=tuple(self._table_partitions()),
            children=report.Children(**self.children.crew._asdict()),
            services=tuple(self._services()),
            faults=tuple(self.faults.newest_first()),
            failed_photos=tuple(self.metrics.failed_photos.newest_first()),
            batches=self.known.told(),
            versions=VERSIONS,
        )

    def _streams(self) -> tuple[str, ...]:
        of = self.topics
        return (of.archives, *map(of.photos, LANES), of.batches)

    def _partitions(self) -> dict[str, tuple[int, ...]]:
        held = self.held()
        return {
            topic: tuple(tp.partition for tp in held if tp.topic == topic)
            for topic in sorted({tp.topic for tp in held})
        }

    def _lags(self) -> Iterator[report.Lag]:
        for tp, lag in sorted(self.watchdog.lags.items()):
            yield report.Lag(
                topic=tp.topic, partition=tp.partition, committed=lag.committed, end=lag.end
            )

    def _services(self) -> Iterator[report.Service]:
        for each in self.circuits:
            yield report.Service(
                name=each.service,
                is_open=each.is_open,
                reason=each.reason,
                since=each.since,
                openings=each.openings,
            )

    def _table_partitions(self) -> Iterator[report.TablePartition]:
        recovery = cast("TableManager", self.app.tables).recovery
        for tp in self.held():
            if tp.topic != self.topics.batches:
                continue
            changelog = tp._replace(topic=self.topics.progress_changelog)
            yield report.TablePartition(
                partition=tp.partition,
                state=self._state(tp.partition),
                rows=self.table.rows_about(tp.partition),
                changelog_offset=recovery.active_offsets.get(changelog, -1),
                changelog_end=recovery.active_highwaters.get(changelog, -1),
                folds_to=self.ownership.behind.get(tp.partition),
            )

    def _state(self, partition: int) -> str:
        if self.app.rebalancing:
            return "recovers"
        if self.ownership.answers_for(partition):
            return "answers"
        return "folds" if partition in self.ownership.behind else "waits"
