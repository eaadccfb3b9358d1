"""Detect: photo events become crops in the store and outcomes in the batch log.

The agent only fills the backlog. Slots, one per child process and one to spare, empty it: a run of
neighbours goes to a child, its outcomes to the batch log, and only when Kafka has them are the
photos acknowledged, in offset order. A run that kills or overruns its child is done again photo
by photo, so that only the guilty one fails. Killed anywhere, the photos are delivered again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from streamapp import events
from streamapp.crop_run import crop_run, failed
from streamapp.errors import Code, StreamappError
from streamapp.events import PhotosFinished
from streamapp.stream.backlog import Backlog, Delivery
from streamapp.stream.intake import acknowledge, current, deliveries
from streamapp.stream.outlet import Outlet, raw_topic
from streamapp.stream.patience import patiently
from streamapp.stream.window import Window
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faust import App
    from faust.types import TP, StreamT

    from streamapp.events import Outcome, PhotoQueued
    from streamapp.topics import Lane, Topics
    from streamapp.vision.children import Children

RUNS_WAITING = 4
"""Runs in the backlog per slot: enough that no child waits for photos."""

_log = logging.getLogger(__name__)


def register(app: App, *, topics: Topics, children: Children, photo_time_limit_s: float) -> None:
    """Attach an agent per lane and the slots to the app."""
    slots = children.count + 1
    detection = Detection(
        Outlet(app, topics), children=children, photo_time_limit_s=photo_time_limit_s, slots=slots
    )
    for lane in LANES:
        _register_lane(app, topics, lane, detection)

    async def detect_slots() -> None:
        await children.start()
        await asyncio.gather(*(detection.work() for _ in range(slots)))

    app.task(detect_slots)


def _register_lane(app: App, topics: Topics, lane: Lane, detection: Detection) -> None:
    @app.agent(raw_topic(app, topics.photos(lane)), name=f"detect-{lane}")
    async def detect(stream: StreamT[bytes]) -> None:
        async for event, photo in deliveries(stream, events.decode_photo):
            await detection.take(Delivery(event, photo))


class Detection:
    """The work of the agents: from deliveries to acknowledged outcomes."""

    def __init__(
        self, outlet: Outlet, *, children: Children, photo_time_limit_s: float, slots: int
    ) -> None:
        self._outlet = outlet
        self._children = children
        self._photo_time_limit_s = photo_time_limit_s
        self._backlog = Backlog(photos_max=32 * RUNS_WAITING * slots, clock=time.monotonic)
        self._windows: dict[TP, Window[Delivery]] = defaultdict(Window)
        self._generation: int | None = None

    async def take(self, delivery: Delivery) -> None:
        """Enter a delivered photo; waits while enough photos wait already."""
        generation = delivery.event.message.generation_id
        if generation != self._generation:
            self._start_over(generation)
        self._windows[delivery.partition].take(delivery.offset, delivery)
        await self._backlog.put(delivery)

    def _start_over(self, generation: int | None) -> None:
        # After a rebalance every partition is delivered from its committed offset again.
        self._generation = generation
        self._windows.clear()
        self._backlog.clear()

    async def work(self) -> None:
        """Serve one slot, for ever."""
        while True:
            run = await self._backlog.take()
            if current(run[0].event):
                await self._finish(run)

    async def _finish(self, run: Sequence[Delivery]) -> None:
        photos = [delivery.photo for delivery in run]
        outcomes = await self._outcomes(photos)
        if not current(run[0].event):
            return
        first = photos[0]
        await self._outlet.tell(
            PhotosFinished(batch=first.batch, project=first.project, outcomes=outcomes)
        )
        if not current(run[0].event):
            return
        window = self._windows[run[0].partition]
        for delivery in run:
            for released in window.finish(delivery.offset):
                acknowledge(released.event)

    async def _outcomes(self, photos: Sequence[PhotoQueued]) -> tuple[Outcome, ...]:
        limit_s = self._photo_time_limit_s * len(photos)
        try:
            return await patiently(lambda: self._children.run(crop_run, photos, limit_s=limit_s))
        except StreamappError as error:
            fault = error
        except Exception:  # noqa: BLE001 - a fault of ours must cost one photo, not the run
            _log.exception("a run of batch %s cannot be worked off", photos[0].batch)
            fault = StreamappError(Code.INTERNAL)
        if len(photos) == 1:
            return (failed(photos[0], fault),)
        return tuple([outcome for photo in photos for outcome in await self._outcomes([photo])])
