"""The worker: a Faust app with its agents, its table and its web views.

At-least-once delivery and idempotent effects; see `window` for the acknowledgements and
`progress` for the counts. ``streamapp topics`` has made all topics.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from streamapp.archive import RUN_PHOTOS
from streamapp.stream import (
    control,
    detect,
    expand,
    journal,
    load_view,
    observation,
    pacer,
    record,
    retry,
    status_pages,
    sweep,
    tally,
    views,
)
from streamapp.stream.circuit import Circuits
from streamapp.stream.control import Control
from streamapp.stream.followers import Followers
from streamapp.stream.generations import WorkerApp
from streamapp.stream.metrics import Metrics
from streamapp.stream.outlet import Outlet
from streamapp.stream.pieces import Pieces
from streamapp.stream.retry import Retries
from streamapp.stream.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import faust

    from connectors.objects.interface import UploadStore
    from connectors.records.interface import RecordStore
    from streamapp.archive import Limits
    from streamapp.stream.control import Broadcast
    from streamapp.stream.detect import Detection
    from streamapp.stream.retry import Delayed
    from streamapp.topics import Topics
    from streamapp.vision.children import Children

QUIET_SESSIONS = 2
"""Session timeouts after which a worker that was cut off knows it, or has told what it had to."""

_log = logging.getLogger(__name__)

BUFFER_EVENTS = 8192
"""Events of a stream in memory; at 80 % of it Faust stops fetching, partition by partition."""


def poll_events_max(partitions: int) -> int:
    """Events of one poll that keep a full stream from blocking the others.

    A partition is stopped only when an event of it meets a buffer that is 80 % full, and a poll may
    bring as many events of each partition again. All of them must fit into the last fifth:
    when a buffer is full to the brim Faust waits, and then every stream of the worker stands.
    """
    return max(1, BUFFER_EVENTS // 5 // partitions)


def lane_photos_max(window_photos: int) -> int:
    """Claim checks of a lane that wait in a worker at once: all that pacing puts on its partitions.

    So every batch is in sight to take its turn. A lane carries twice the window for each worker
    (`turns`); where the partitions are not shared evenly, one worker has less than twice its share
    of them.
    """
    return 2 * 2 * max(RUN_PHOTOS, window_photos)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerValues:
    """The settings a worker runs by."""

    kafka_bootstrap: str
    topics: Topics
    data_dir: Path
    web_host: str
    web_port: int
    web_bind: str
    session_timeout_s: float
    photo_time_limit_s: float
    retry_delay_s: float
    stall_limit_s: float
    limits: Limits
    pace_photos_per_partition: int

    @property
    def window_photos(self) -> int:
        """Photos that the batches of a lane share, queued and not finished."""
        return self.topics.partitions * self.pace_photos_per_partition


def create_app(
    values: WorkerValues,
    *,
    objects: UploadStore,
    records: RecordStore,
    controls: Broadcast,
    delayed: Delayed,
    children: Children,
) -> WorkerApp:
    """Assemble the worker; nothing connects before the app is started."""
    topics, app = values.topics, _faust_app(values)
    circuits, metrics = Circuits.closed(time.time), Metrics()
    turns = Turns(window_photos=values.window_photos, clock=time.monotonic)
    followers = Followers(turns)
    tallied = tally.register(
        app,
        topics=topics,
        kafka=circuits.kafka,
        followers=followers,
        held_s_max=values.stall_limit_s / 4,
        clock=time.monotonic,
    )
    owns = tallied.ownership.answers_for
    _expand(app, values, objects=objects, circuits=circuits, turns=turns, answers_for=owns)
    followers.add(
        sweep.register(
            app,
            topics=topics,
            crops=objects,
            circuits=circuits,
            answers_for=owns,
            quiet_s=QUIET_SESSIONS * values.session_timeout_s,
        )
    )
    detection = _detect(
        app,
        values,
        controls=controls,
        delayed=delayed,
        children=children,
        circuits=circuits,
        metrics=metrics,
    )
    record.register(
        app,
        topics=topics,
        records=records,
        circuit=circuits.records,
        crop_url=objects.url,
        state_of=tallied.rows.state,
    )
    load_view.register(app, topics=topics, tallied=tallied, detection=detection)
    views.register(app, topics=topics, rows=tallied.rows, ownership=tallied.ownership)
    health = observation.register(
        app,
        topics=topics,
        ownership=tallied.ownership,
        detection=detection,
        children=children,
        circuits=circuits,
        metrics=metrics,
        stall_limit_s=values.stall_limit_s,
    )
    status_pages.register(
        app,
        name=values.data_dir.name,
        topics=topics,
        tallied=tallied,
        followers=followers,
        health=health,
        detection=detection,
        children=children,
        circuits=circuits,
        metrics=metrics,
    )
    journal.register(app, ownership=tallied.ownership, clock=time.monotonic)
    _close_at_the_end(app, children, records)
    return app


def _faust_app(values: WorkerValues) -> WorkerApp:
    return WorkerApp(
        values.topics.app_id,
        bootstrap=values.kafka_bootstrap,
        folder=values.data_dir,
        partitions=values.topics.partitions,
        web_host=values.web_host,
        web_port=values.web_port,
        web_bind=values.web_bind,
        session_timeout_s=values.session_timeout_s,
        broker_max_poll_records=poll_events_max(values.topics.partitions),
        stream_buffer_maxsize=BUFFER_EVENTS,
    )


def _expand(
    app: WorkerApp,
    values: WorkerValues,
    *,
    objects: UploadStore,
    circuits: Circuits,
    turns: Turns,
    answers_for: Callable[[int], bool],
) -> None:
    """Archives to photos on their topics."""
    expand.register(app, topics=values.topics, kafka=circuits.kafka, clock=time.time)
    pacer.register(
        app,
        pieces=Pieces(objects, values.limits),
        topics=values.topics,
        kafka=circuits.kafka,
        turns=turns,
        answers_for=answers_for,
        clock=time.time,
    )


def _detect(
    app: WorkerApp,
    values: WorkerValues,
    *,
    controls: Broadcast,
    delayed: Delayed,
    children: Children,
    circuits: Circuits,
    metrics: Metrics,
) -> Detection:
    """Photos to outcomes, those included that come back or are passed over."""
    outlet = Outlet(app, values.topics, circuits.kafka)
    retry.register(
        app,
        outlet=outlet,
        delayed=delayed,
        longest_s=retry.longest_delay_s(values.retry_delay_s, values.topics.attempts),
        clock=time.time,
    )
    known = Control(time.time)
    control.register(app, control=known, broadcast=controls)
    retries = Retries(
        outlet,
        values.topics,
        metrics=metrics,
        retry_delay_s=values.retry_delay_s,
        clock=time.time,
        chance=Random().random,  # noqa: S311 - it spreads load, and is no secret
    )
    return detect.register(
        app,
        topics=values.topics,
        control=known,
        retries=retries,
        children=children,
        circuits=circuits,
        metrics=metrics,
        photo_time_limit_s=values.photo_time_limit_s,
        lane_photos_max=lane_photos_max(values.window_photos),
    )


def _close_at_the_end(app: faust.App, children: Children, records: RecordStore) -> None:
    # Not in a task of the app: Faust cancels those, and what is left open holds up the exit.
    async def close(*_args: object, **_options: object) -> None:
        try:
            await children.close()
        finally:
            await records.close()

    app.on_before_shutdown.connect(close, weak=False)


def run(app: WorkerApp, *, log_level: str) -> None:
    """Run the worker until SIGTERM or SIGINT; does not return."""
    app.cut_end = True
    logging.getLogger().addHandler(app.faults)
    worker = app.Worker(
        loglevel=log_level, override_logging=False, redirect_stdouts=False, quiet=True
    )
    worker.spinner = None  # it writes for a terminal also where there is none
    try:
        worker.execute_from_commandline()
    finally:
        _log.info("Stopped.")
