"""What was queued of a cancelled run is passed over cheaply, as soon as a worker knows of it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from pyroaring import BitMap

from connectors.kafka import admin
from connectors.kafka.broadcast import Broadcast
from connectors.kafka.producer import EventProducer
from connectors.ports import free_ports
from streamapp.archive import RUN_PHOTOS
from streamapp.events import PhotosFinished, RunControl, decode_batch_log, encode
from streamapp.stream import control, detect
from streamapp.stream.backlog import Delivery
from streamapp.stream.circuit import Circuits
from streamapp.stream.control import Control
from streamapp.stream.generations import WorkerApp
from streamapp.stream.metrics import Metrics
from streamapp.stream.outlet import Outlet
from streamapp.stream.retry import Retries
from streamapp.topics import Topics
from tests.stream.test_detection import Bench, Children, Event, photo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import pytest

    from streamapp.events import Outcome
    from streamapp.stream.consumer import WorkerConsumer

CANCELLED = RunControl(batch="b1", run=1, cancelled=True)


async def test_photos_of_a_cancelled_run_cost_no_child() -> None:
    bench = Bench()
    bench.detection._control.fold(CANCELLED)
    await bench.work_off(200)
    assert bench.children.runs == []
    assert bench.acked == list(range(200))
    told = [outcome for frame in bench.outlet.frames for outcome in frame.outcomes]
    assert {outcome.state for outcome in told} == {"cancelled"}
    assert sorted(outcome.index for outcome in told) == list(range(200))
    assert max(len(frame.outcomes) for frame in bench.outlet.frames) == RUN_PHOTOS


async def test_photos_that_a_later_run_does_again_are_acknowledged_and_not_told() -> None:
    bench = Bench()
    again = BitMap([*range(40), 50])
    bench.detection._control.fold(RunControl(batch="b1", run=2, photos=again.serialize()))
    await bench.work_off(64)
    assert bench.acked == list(range(64))
    assert set(bench.outlet.states) == set(range(40, 64)) - {50}
    assert all(frame.outcomes for frame in bench.outlet.frames)


async def test_a_run_that_is_cancelled_meanwhile_is_passed_over_from_there() -> None:
    bench: Bench

    def work(indexes: object) -> None:
        del indexes
        bench.detection._control.fold(CANCELLED)

    bench = Bench(work)
    await bench.work_off(200)
    done = {index for run in bench.children.runs for index in run}
    states = {o.index: o.state for frame in bench.outlet.frames for o in frame.outcomes}
    assert {index for index in states if states[index] == "completed"} == done
    assert len(done) <= 3 * RUN_PHOTOS, "what the slots had in hand"
    assert len(states) == 200


async def test_a_photo_that_is_queued_twice_and_in_work_is_not_told_as_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, hold = Bench(), asyncio.Event()
    work_off = bench.children.run

    async def run(*args: Any, **settings: Any) -> tuple[Outcome, ...]:
        outcomes = await work_off(*args, **settings)
        await hold.wait()
        return outcomes

    monkeypatch.setattr(bench.children, "run", run)
    again = Delivery(cast("Any", Event(bench.app, bench.acked, 1)), photo(0), "normal", ())
    slots = asyncio.create_task(bench.detection.work())
    async with asyncio.timeout(2):
        await bench.detection.take(bench.delivery(0))
        while not bench.children.runs:
            await asyncio.sleep(0.01)
        bench.detection._control.fold(CANCELLED)
        await bench.detection.take(again)
        await asyncio.sleep(0.05)
        hold.set()
        while len(bench.acked) < 2:
            await asyncio.sleep(0.01)
    slots.cancel()
    assert [o.state for frame in bench.outlet.frames for o in frame.outcomes] == ["completed"]


class Worker:
    """A worker's app that only detects, with children of this process."""

    def __init__(
        self, kafka: str, folder: Path, broadcast: control.Broadcast | None = None
    ) -> None:
        self.kafka = kafka
        self.topics = Topics(partitions=1, prefix=f"test-{uuid4().hex}.")
        self.children = Children(lambda _: None)
        self.control = Control(lambda: 1.0)
        self.app = WorkerApp(
            self.topics.app_id,
            bootstrap=kafka,
            folder=folder,
            partitions=1,
            store="memory://",
            web_enabled=False,
        )
        broadcast = broadcast or Broadcast(kafka, self.topics.control)
        control.register(self.app, control=self.control, broadcast=broadcast)
        circuits, metrics = Circuits.closed(lambda: 1.0), Metrics()
        detect.register(
            self.app,
            topics=self.topics,
            control=self.control,
            retries=Retries(
                Outlet(self.app, self.topics, circuits.kafka),
                self.topics,
                metrics=metrics,
                retry_delay_s=1,
                clock=lambda: 1.0,
                chance=lambda: 0.5,
            ),
            children=cast("Any", self.children),
            circuits=circuits,
            metrics=metrics,
            photo_time_limit_s=1,
            lane_photos_max=1000,
        )
        self.app.on_rebalance_complete.connect(self._start_streams, weak=False)

    async def _start_streams(self, *_: object, **__: object) -> None:
        await cast("WorkerConsumer", self.app.consumer).first_offsets()

    @asynccontextmanager
    async def running(self, *told: tuple[str, bytes]) -> AsyncIterator[EventProducer]:
        """The worker at work, on topics that hold what was told."""
        await admin.create(self.kafka, self.topics.specs(), replication_factor=1)
        producer = EventProducer(self.kafka)
        for number, (topic, value) in enumerate(told):
            await producer.publish(topic, b"%d" % number, value)
        await self.app.start()
        try:
            yield producer
        finally:
            await self.app.stop()
            await producer.close()

    async def outcomes(self, count: int) -> list[Outcome]:
        """The first outcomes in the batch log."""
        found: list[Outcome] = []
        async with AIOKafkaConsumer(
            self.topics.batches, bootstrap_servers=self.kafka, auto_offset_reset="earliest"
        ) as reader:
            async with asyncio.timeout(20):
                while len(found) < count:
                    frame = decode_batch_log((await reader.getone()).value)
                    assert isinstance(frame, PhotosFinished)
                    found += frame.outcomes
        return found


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():
            await asyncio.sleep(0.02)


async def test_what_was_told_before_the_start_counts_for_the_first_photo_and_what_comes_later(
    kafka: str, tmp_path: Path
) -> None:
    worker = Worker(kafka, tmp_path)
    photos = [(worker.topics.photos("normal"), encode(photo(index))) for index in range(40)]
    controls = [(worker.topics.control, value) for value in (b"junk", encode(CANCELLED))]
    async with worker.running(*photos, *controls) as producer:
        outcomes = await worker.outcomes(40)
        assert {outcome.state for outcome in outcomes} == {"cancelled"}
        assert worker.children.runs == []
        other = encode(RunControl(batch="b2", run=3, cancelled=True))
        await producer.publish(worker.topics.control, b"other", other)
        await until(lambda: ("b2", 3) in worker.control._cancelled)


class Held:
    """A reading that has not caught up before it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def follow(self, take: Callable[[bytes], None], *, caught_up: Callable[[], None]) -> None:
        await self.go.wait()
        take(encode(CANCELLED))
        caught_up()
        await asyncio.Event().wait()


async def test_no_photo_is_taken_before_all_is_known(kafka: str, tmp_path: Path) -> None:
    held = Held()
    worker = Worker(kafka, tmp_path, held)
    async with worker.running((worker.topics.photos("high"), encode(photo(0)))):
        await until(lambda: worker.children.started)
        await asyncio.sleep(0.5)
        held.go.set()
        (outcome,) = await worker.outcomes(1)
        assert outcome.state == "cancelled"
        assert worker.children.runs == []


async def test_controls_that_are_away_only_keep_it_waiting(kafka: str, tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    worker = Worker(kafka, tmp_path, Broadcast(nobody, "any"))
    async with worker.running((worker.topics.photos("high"), encode(photo(0)))):
        await until(lambda: worker.children.started)
        await asyncio.sleep(2.5)
        assert worker.children.runs == []
        assert not worker.app.crashed


class Broken:
    """A reading that ends for no foreseen reason."""

    async def follow(self, *_: object, **__: object) -> None:
        raise LookupError


async def test_a_reading_that_ends_ends_the_worker(kafka: str, tmp_path: Path) -> None:
    worker = Worker(kafka, tmp_path, Broken())
    async with worker.running():
        await until(lambda: worker.app.crashed)
        assert isinstance(worker.app.crash_reason, LookupError)
