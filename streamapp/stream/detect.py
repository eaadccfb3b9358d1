"""Detect: photo events become crops in the store and outcomes in the batch log.

The agents only fill the backlog. Slots, one per child process and one to spare, empty it: a run of
neighbours goes to a child, its outcomes to the batch log, and only when Kafka has them are the
photos acknowledged, in offset order. A run that kills its child is done again photo by photo, so
that only the guilty one fails; that one is tried again later (see `retry`). Killed anywhere, the
photos are delivered again. Children that cannot work at all end the worker: that is no photo's
fault.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streamapp import events
from streamapp.crop_run import crop_run, failed
from streamapp.errors import Code, StreamappError
from streamapp.events import PhotosFinished
from streamapp.stream.backlog import Backlog, Delivery
from streamapp.stream.control import place
from streamapp.stream.intake import acknowledge, current, deliveries, ending_the_worker
from streamapp.stream.outlet import Outlet, raw_topic
from streamapp.stream.retry import attempts_of
from streamapp.stream.window import Window
from streamapp.topics import LANES
from streamapp.vision.child import ChildUnfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faust import App
    from faust.types import TP, EventT, StreamT

    from streamapp.events import Outcome, PhotoQueued
    from streamapp.stream.circuit import Circuit, Circuits
    from streamapp.stream.control import Control, PhotoPlace
    from streamapp.stream.generations import WorkerApp
    from streamapp.stream.metrics import Metrics
    from streamapp.stream.retry import Retries
    from streamapp.topics import Lane, Topics
    from streamapp.vision.children import Children

WINDOW_PHOTOS_MAX = 4096
"""Photos of a partition between the oldest unfinished one and the newest taken."""

STORE_LIMIT_S = 300.0
"""What a run may take beside its photos' own time; beyond, the store is taken to hang."""

_log = logging.getLogger(__name__)


def register(
    app: WorkerApp,
    *,
    topics: Topics,
    control: Control,
    retries: Retries,
    children: Children,
    circuits: Circuits,
    metrics: Metrics,
    photo_time_limit_s: float,
    lane_photos_max: int,
) -> Detection:
    """Attach an agent per lane and the slots to the app."""
    detection = Detection(
        Outlet(app, topics, circuits.kafka),
        control=control,
        retries=retries,
        children=children,
        circuit=circuits.objects,
        metrics=metrics,
        photo_time_limit_s=photo_time_limit_s,
        lane_photos_max=lane_photos_max,
    )
    for lane in LANES:
        _register_lane(app, topics, lane, detection)

    async def detect_slots() -> None:
        await children.start()
        await control.caught_up.wait()
        await detection.work()

    app.task(ending_the_worker(app, detect_slots))
    app.on_partitions_revoked.connect(detection.give_away, weak=False)
    app.finish_before_the_end(detection.finish)
    return detection


def _register_lane(app: App, topics: Topics, lane: Lane, detection: Detection) -> None:
    async def detect(stream: StreamT[bytes]) -> None:
        async for event, photo in deliveries(stream, events.decode_photo):
            if photo is not None:
                await detection.take(Delivery(event, photo, lane, attempts_of(event)))
            else:
                detection.pass_over(event)

    app.agent(raw_topic(app, topics.photos(lane)), name=f"detect-{lane}")(
        ending_the_worker(app, detect)
    )


class Detection:
    """The work of the agents: from deliveries to acknowledged outcomes."""

    def __init__(
        self,
        outlet: Outlet,
        *,
        control: Control,
        retries: Retries,
        children: Children,
        circuit: Circuit,
        metrics: Metrics,
        photo_time_limit_s: float,
        lane_photos_max: int,
    ) -> None:
        self._slots = children.count + 1
        self._outlet = outlet
        self._control = control
        self._retries = retries
        self._children = children
        self._circuit = circuit
        self._metrics = metrics
        self._photo_time_limit_s = photo_time_limit_s
        self._backlog = Backlog(lane_photos_max=lane_photos_max, clock=time.monotonic)
        self._windows: dict[TP, Window[EventT[bytes]]] = defaultdict(Window)
        self._in_work: set[PhotoPlace] = set()
        self._with_children: dict[object, float] = {}
        self.active: Counter[Lane] = Counter()
        """Photos that were handed to the children and are not told, by lane."""
        self._released = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._generation: int | None = None

    @property
    def legal_until(self) -> float:
        """Until when children may work at what they have, by ``time.monotonic``, and be silent.

        0 when they have nothing: what stands still then stands here.
        """
        return max(self._with_children.values(), default=0.0)

    @property
    def photos_in_hand(self) -> int:
        """Photos that were taken and are not acknowledged."""
        return sum(map(len, self._windows.values()))

    async def take(self, delivery: Delivery) -> None:
        """Enter a delivered photo; waits while enough of its lane wait or are unacknowledged."""
        if not self._enter(delivery.event):
            return
        await self._backlog.put(delivery)
        while self._is_full(delivery):
            self._released.clear()
            await self._released.wait()

    async def give_away(self, *_args: Any, **_options: Any) -> None:
        """Let whoever waits to take more go on: nothing of a former generation is acknowledged."""
        self._released.set()

    def pass_over(self, event: EventT[bytes]) -> None:
        """Enter an event that holds no photo: nothing to do but to acknowledge it in its turn."""
        if self._enter(event):
            self._release([event])

    def _enter(self, event: EventT[bytes]) -> bool:
        if not current(event):
            return False
        if event.message.generation_id != self._generation:
            self._start_over(event.message.generation_id)
        self._windows[event.message.tp].take(event.message.offset, event)
        return True

    def _is_full(self, delivery: Delivery) -> bool:
        held = self._windows[delivery.partition]
        return len(held) >= WINDOW_PHOTOS_MAX and current(delivery.event)

    def _start_over(self, generation: int | None) -> None:
        # After a rebalance every partition is delivered from its committed offset again.
        self._generation = generation
        self._windows.clear()
        self._in_work, self.active = set(), Counter()  # what those slots say is not heard
        self._backlog.clear()
        self._released.set()

    async def work(self) -> None:
        """Serve the slots, until `finish`."""
        self._at_rest.clear()
        await asyncio.gather(*(self._serve() for _ in range(self._slots)))
        self._at_rest.set()

    async def finish(self) -> None:
        """Take no further run, and return when those in hand are told and acknowledged.

        At once where no slot is served yet: the worker waits for its children, or for the controls.
        """
        await self._backlog.close()
        await self._at_rest.wait()

    async def _serve(self) -> None:
        while run := await self._backlog.take():
            # One that waited to enter through a rebalance may stand before what came of it.
            if still := [each for each in run if current(each.event)]:
                await self._finish(still)

    async def _finish(self, run: Sequence[Delivery]) -> None:
        verdict = self._control.verdict(run, self._in_work)
        with self._working_on(verdict.due):
            due = [each.photo for each in verdict.due]
            outcomes = await self._outcomes(due) if due else ()
            if not current(run[0].event):
                return
            final = await self._retries.put(zip(verdict.due, outcomes, strict=True))
            if settled := (*verdict.cancelled, *final):
                first = run[0].photo
                await self._outlet.tell(
                    PhotosFinished(
                        batch=first.batch, project=first.project, run=first.run, outcomes=settled
                    )
                )
        if current(run[0].event):
            self._release([delivery.event for delivery in run])
            self._metrics.tell(run[0].lane, run[0].photo.batch, settled)

    @contextmanager
    def _working_on(self, due: Sequence[Delivery]) -> Iterator[None]:
        """Until their outcomes are told; a rebalance begins anew with nothing in work."""
        in_work, active = self._in_work, self.active
        lanes = Counter(each.lane for each in due)
        places = {place(each.photo) for each in due}
        in_work |= places
        active += lanes
        try:
            yield
        finally:
            in_work -= places
            active -= lanes

    def _release(self, events: Sequence[EventT[bytes]]) -> None:
        window = self._windows[events[0].message.tp]
        for event in events:
            for released in window.finish(event.message.offset):
                acknowledge(released)
        self._released.set()

    async def _outcomes(self, photos: Sequence[PhotoQueued]) -> tuple[Outcome, ...]:
        """The outcomes of a run."""
        limit_s = self._photo_time_limit_s * len(photos) + STORE_LIMIT_S
        try:
            return await self._circuit.patiently(lambda: self._by_a_child(photos, limit_s))
        except ChildUnfit:
            raise
        except StreamappError as error:
            fault = error
        except Exception:  # noqa: BLE001 - a fault of ours must cost one photo, not the run
            _log.exception("a run of batch %s cannot be worked off", photos[0].batch)
            fault = StreamappError(Code.INTERNAL)
        if len(photos) > 1:
            return tuple([each for photo in photos for each in await self._outcomes([photo])])
        return (failed(photos[0], fault),)

    async def _by_a_child(
        self, photos: Sequence[PhotoQueued], limit_s: float
    ) -> tuple[Outcome, ...]:
        # One slot is more than there are children: its run may have to wait for another first.
        this = object()
        self._with_children[this] = time.monotonic() + 2 * limit_s
        try:
            return await self._children.run(crop_run, photos, limit_s=limit_s)
        finally:
            del self._with_children[this]
