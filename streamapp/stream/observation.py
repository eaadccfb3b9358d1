"""How a worker is observed: the watchdog, the metrics and what those who run it may ask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from faust.exceptions import ConsumerNotStarted

from streamapp.stream import probes
from streamapp.stream.intake import ending_the_worker
from streamapp.stream.probes import Health
from streamapp.stream.watchdog import Group, Watchdog
from streamapp.topics import LANES

if TYPE_CHECKING:
    from faust import App
    from faust.types import TP

    from streamapp.stream.circuit import Circuits
    from streamapp.stream.detect import Detection
    from streamapp.stream.metrics import Metrics
    from streamapp.stream.ownership import Ownership
    from streamapp.topics import Topics
    from streamapp.vision.children import Children


def register(
    app: App,
    *,
    topics: Topics,
    ownership: Ownership,
    detection: Detection,
    children: Children,
    circuits: Circuits,
    metrics: Metrics,
    stall_limit_s: float,
) -> Health:
    """Attach the watchdog's task and the views to the app."""
    watchdog = Watchdog(
        app,
        groups=_groups(topics, detection, circuits),
        circuits=circuits,
        stall_limit_s=stall_limit_s,
        clock=time.monotonic,
    )
    app.task(ending_the_worker(app, watchdog.watch))
    health = Health(ownership, circuits, watchdog)
    probes.register(app, health=health, metrics=metrics)
    metrics.measure_circuits(circuits)
    metrics.measure_lags(lambda: watchdog.lags)
    metrics.measure_children(lambda: children.crew)
    metrics.measure_partitions(lambda: held(app, topics))
    _measure(app, metrics, detection=detection, watchdog=watchdog)
    return health


def held(app: App, topics: Topics) -> list[TP]:
    """The partitions of the streams that this worker has, without the changelog's."""
    try:
        assigned = app.consumer.assignment()
    except ConsumerNotStarted:
        return []
    return sorted(tp for tp in assigned if tp.topic != topics.progress_changelog)


def _groups(topics: Topics, detection: Detection, circuits: Circuits) -> tuple[Group, ...]:
    """The streams that advance together; those of the lanes share the children.

    The batch log is acknowledged when both have it, table and database.
    """
    lanes = frozenset(map(topics.photos, LANES))
    return (
        Group("photos", lanes, lambda: detection.legal_until, (circuits.objects,)),
        Group("archives", frozenset([topics.archives]), lambda: 0.0),
        Group("the batch log", frozenset([topics.batches]), lambda: 0.0, (circuits.records,)),
    )


def _measure(
    app: App,
    metrics: Metrics,
    *,
    detection: Detection,
    watchdog: Watchdog,
) -> None:
    async def assigned(*_args: object, **_options: object) -> None:
        metrics.rebalances.inc()

    app.on_partitions_assigned.connect(assigned, weak=False)
    metrics.measure(
        "photos_in_hand",
        "Photos that were taken and are not acknowledged.",
        lambda: detection.photos_in_hand,
    )
    metrics.measure(
        "standstill_seconds",
        "Time for which a stream with lag has not advanced, at most.",
        lambda: watchdog.stood_s,
    )
    metrics.measure(
        "live", "0 once the worker is found to stand still.", lambda: float(not watchdog.verdict)
    )
