"""The status pages, put together for a worker; see `pages`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from streamapp.stream.observation import held
from streamapp.stream.pages import views
from streamapp.stream.pages.gathering import Gathering
from streamapp.stream.pages.known import KnownBatches
from streamapp.stream.pages.reporter import Reporter
from streamapp.stream.views import partition_of

if TYPE_CHECKING:
    from streamapp.stream.circuit import Circuits
    from streamapp.stream.detect import Detection
    from streamapp.stream.followers import Followers
    from streamapp.stream.generations import WorkerApp
    from streamapp.stream.metrics import Metrics
    from streamapp.stream.probes import Health
    from streamapp.stream.tally import Tallied
    from streamapp.topics import Topics
    from streamapp.vision.children import Children


def register(
    app: WorkerApp,
    *,
    name: str,
    topics: Topics,
    tallied: Tallied,
    followers: Followers,
    health: Health,
    detection: Detection,
    children: Children,
    circuits: Circuits,
    metrics: Metrics,
) -> None:
    """Attach the pages to the app's web server."""

    def may_tell(key: bytes) -> bool:
        partition = partition_of(app, topics, key)
        return partition is not None and tallied.ownership.answers_for(partition)

    known = KnownBatches(tallied.rows.get, tallied.rows.table.newest, may_tell)
    followers.add(known)
    own = Reporter(
        app=app,
        name=name,
        topics=topics,
        table=tallied.rows.table,
        ownership=tallied.ownership,
        health=health,
        watchdog=health.watchdog,
        detection=detection,
        children=children,
        circuits=circuits,
        metrics=metrics,
        faults=app.faults,
        known=known,
        held=lambda: held(app, topics),
        started_at=time.time(),
        clock=time.time,
    )
    gathering = Gathering(
        own, app.router.tables_metadata, client=lambda: app.http_client, clock=time.time
    )
    views.register(app, gathering=gathering, own=own)
