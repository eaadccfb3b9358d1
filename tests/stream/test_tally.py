"""On a real Kafka: the batch log becomes rows of the table, seldom, and acknowledgements, late."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import asynccontextmanager
from functools import reduce
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faust.types import TP

from connectors.kafka import admin
from streamapp import events, progress
from streamapp.errors import Code, StreamappError
from streamapp.events import BatchOpened, Outcome, PhotosFinished, PriorityChanged
from streamapp.keys import batch_key
from streamapp.stream import tally
from streamapp.stream.circuit import Circuit
from streamapp.stream.generations import WorkerApp
from streamapp.stream.rows import BYTES_PER_PHOTO, STILL_S
from streamapp.stream.tally import HELD_EVENTS_MAX, TICK_S
from streamapp.stream.turns import Turns
from streamapp.topics import PROGRESS_TABLE, Topics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from pathlib import Path

    from streamapp.events import BatchLogEvent
    from streamapp.progress import Progress

FRAME = 32
HELD_S_MAX = 30.0
SESSION_S = 6.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Log:
    """The topics of one test, with a single partition, and what Kafka knows of them."""

    def __init__(self, kafka: str) -> None:
        self.kafka = kafka
        self.topics = Topics(partitions=1, prefix=f"test-{uuid4().hex}.")
        self.told: list[BatchLogEvent] = []

    async def publish(self, *told: BatchLogEvent) -> None:
        self.told += told
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            for event in told:
                await producer.send(
                    self.topics.batches, events.encode(event), key=batch_key(event.batch)
                )

    def state(self, batch: str = "b1") -> Progress:
        """What the batch must be."""
        log = [event for event in self.told if event.batch == batch]
        state = reduce(progress.fold, log, cast("Progress | None", None))
        assert state is not None
        return state

    async def acknowledged(self) -> int:
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka, group_id=self.topics.app_id, enable_auto_commit=False
        ) as client:
            return await client.committed(TopicPartition(self.topics.batches, 0)) or 0

    async def wait_until_acknowledged(self, offset: int) -> None:
        await reached(self.acknowledged, offset)

    async def written(self) -> list[Progress]:
        """The rows in the changelog, oldest first."""
        return [progress.decode(value) for value in await self.written_bytes()]

    async def written_bytes(self) -> list[bytes]:
        tp = TopicPartition(self.topics.progress_changelog, 0)
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka) as client:
            client.assign([tp])
            await client.seek_to_beginning(tp)
            end = (await client.end_offsets([tp]))[tp]
            return [(await client.getone()).value for _ in range(end)]


class Worker:
    """A worker that tallies and does nothing else, by a clock that stands."""

    def __init__(self, log: Log, folder: Path) -> None:
        topics = log.topics
        self.clock = Clock()
        self.circuit = Circuit("kafka", time.time)
        self.app = WorkerApp(
            topics.app_id,
            bootstrap=log.kafka,
            folder=folder,
            partitions=1,
            session_timeout_s=SESSION_S,
            web_enabled=False,
            broker_commit_interval=0.1,
        )
        self.rows, self.ownership, _ = tally.register(
            self.app,
            topics=topics,
            kafka=self.circuit,
            followers=Turns(window_photos=100, clock=self.clock),
            held_s_max=HELD_S_MAX,
            clock=self.clock,
        )

    @asynccontextmanager
    async def running(self, *, killed: bool = False) -> AsyncIterator[None]:
        await self.app.start()
        try:
            yield
        finally:
            if killed:
                self.app._finishing.clear()
            await self.app.stop()

    async def answers(self) -> None:
        async with asyncio.timeout(20):
            while not self.ownership.answers_for(0):
                await asyncio.sleep(0)

    def told(self, batch: str = "b1") -> int:
        """Photos that are processed, as the views would say."""
        row = self.rows.get(batch_key(batch))
        return progress.decode(row).processed if row else -1

    async def wait_until_told(self, processed: int, batch: str = "b1") -> None:
        async def told() -> int:
            return self.told(batch)

        await reached(told, processed)

    async def wait_until_folded(self, offset: int, batch: str = "b1") -> None:
        async def folded() -> int:
            row = self.rows.get(batch_key(batch))
            return progress.decode(row).log_offset if row else -1

        await reached(folded, offset)

    def pass_time(self, seconds: float) -> None:
        """Advance the clock."""
        self.clock.now += seconds

    def cut_off(self, seconds: float) -> None:
        """Have the client hear and say nothing for a while; all else goes on."""
        thread = cast("Any", self.app.consumer)._thread
        thread.thread_loop.call_soon_threadsafe(time.sleep, seconds)

    async def rebalance(self) -> None:
        await rebalance(self.app)


async def rebalance(app: WorkerApp) -> None:
    """Have the client leave its generation, as when a second worker joins."""
    before = app.consumer_generation_id
    thread = cast("Any", app.consumer)._thread
    thread.thread_loop.call_soon_threadsafe(thread._consumer._coordinator.request_rejoin)
    async with asyncio.timeout(20):
        while app.consumer_generation_id == before:
            await asyncio.sleep(0.001)


async def reached(ask: Callable[[], Awaitable[int]], wanted: int) -> None:
    """Return when the answer is what is wanted."""
    try:
        async with asyncio.timeout(10):
            while await ask() != wanted:
                await asyncio.sleep(0.02)
    except TimeoutError:
        assert await ask() == wanted


def opened(photos: int, batch: str = "b1") -> BatchOpened:
    return BatchOpened(
        batch=batch,
        project="p",
        priority=5,
        archive="archives/a.zip",
        archive_bytes=1000,
        name="photos.zip",
        photos=photos,
        opened_at=1.0,
    )


def changed(batch: str, at: float = 1.0) -> PriorityChanged:
    return PriorityChanged(batch=batch, project="p", priority=1, changed_at=at)


def finished(photos: Iterable[int], batch: str = "b1") -> PhotosFinished:
    """A frame; every third photo has failed, as irregularly as a set can be."""
    outcomes = tuple(
        Outcome(
            index=index,
            name="",
            state="failed" if index % 3 == 0 else "completed",
            finished_at=1.0,
        )
        for index in photos
    )
    return PhotosFinished(batch=batch, project="p", outcomes=outcomes)


def frames(photos: int, batch: str = "b1") -> list[BatchLogEvent]:
    return [finished(range(at, at + FRAME), batch) for at in range(0, photos, FRAME)]


@pytest.fixture
async def log(kafka: str) -> Log:
    log = Log(kafka)
    await admin.create(kafka, log.topics.specs(), replication_factor=1)
    return log


@pytest.fixture
def worker(log: Log, tmp_path: Path) -> Worker:
    return Worker(log, tmp_path / "first")


async def test_rows_are_few_bytes_for_each_photo(log: Log, worker: Worker) -> None:
    photos = 500 * FRAME
    await log.publish(opened(photos), *frames(photos))
    async with worker.running():
        await worker.wait_until_told(photos)
        rows = await log.written_bytes()
        assert rows
        assert sum(map(len, rows)) <= BYTES_PER_PHOTO * photos


async def test_a_batch_that_is_still_is_written_and_acknowledged(log: Log, worker: Worker) -> None:
    await log.publish(opened(100), finished(range(2)))
    async with worker.running():
        await worker.wait_until_told(2)
        await asyncio.sleep(1)
        assert await log.written() == []
        assert await log.acknowledged() == 0
        worker.pass_time(STILL_S)
        await log.wait_until_acknowledged(2)
        [row] = await log.written()
        assert (row.processed, row.log_offset) == (2, 1)
        assert worker.told() == 2
        table = worker.app.tables[PROGRESS_TABLE]
        assert table.persisted_offset(TP(log.topics.progress_changelog, 0)) == 0


async def test_a_batch_that_is_never_still_is_written_before_the_watchdog_wonders(
    log: Log, worker: Worker
) -> None:
    async with worker.running():
        for second in range(int(HELD_S_MAX)):
            assert await log.acknowledged() == 0
            await log.publish(changed("b1", second))
            await worker.wait_until_folded(second)
            worker.pass_time(1.0)
        await log.wait_until_acknowledged(int(HELD_S_MAX))


async def test_acknowledgements_wait_for_the_rows_of_all_events_before(
    log: Log, worker: Worker
) -> None:
    """The second batch is written at once; the first one's opening is not, and is in front."""
    await log.publish(opened(100), *frames(100 * FRAME, "b2"))
    async with worker.running():
        await worker.wait_until_told(100 * FRAME, "b2")
        async with asyncio.timeout(10):
            while not await log.written():
                await asyncio.sleep(0.02)
        await asyncio.sleep(1)
        assert {row.batch for row in await log.written()} == {"b2"}
        assert await log.acknowledged() == 0
        worker.pass_time(STILL_S)
        await log.wait_until_acknowledged(len(log.told))


async def test_what_is_unwritten_at_a_rebalance_is_dropped_and_folded_again(
    log: Log, worker: Worker
) -> None:
    await log.publish(opened(100), finished(range(2)))
    async with worker.running():
        for _ in range(2):
            await worker.wait_until_told(2)
            await worker.rebalance()
            await worker.answers()
            assert worker.told() == 2
        assert await log.written() == []
        worker.pass_time(STILL_S)
        await log.wait_until_acknowledged(2)
        assert [row.processed for row in await log.written()] == [2]


async def test_what_is_being_written_at_a_rebalance_is_written_no_more(
    log: Log, worker: Worker
) -> None:
    """Kafka is away when a row is due, and back after the partition was given away."""
    back = asyncio.Event()

    async def ask() -> None:
        if not back.is_set():
            raise StreamappError(Code.KAFKA_AWAY)

    await log.publish(opened(100), finished(range(2)))
    async with worker.running():
        await worker.wait_until_told(2)
        away = asyncio.create_task(worker.circuit.patiently(ask))
        async with asyncio.timeout(5):
            while not worker.circuit.is_open:
                await asyncio.sleep(0.01)
        worker.pass_time(STILL_S)
        await asyncio.sleep(2 * TICK_S)
        await worker.rebalance()
        await worker.answers()
        back.set()
        await away
        await asyncio.sleep(2 * TICK_S)
        assert await log.written() == []
        worker.pass_time(STILL_S)
        await log.wait_until_acknowledged(2)
        assert [row.processed for row in await log.written()] == [2]


async def test_a_successor_answers_nothing_less_than_what_a_killed_worker_told(
    log: Log, worker: Worker, tmp_path: Path
) -> None:
    photos = 500 * FRAME
    await log.publish(opened(photos), *frames(photos), opened(100, "b2"))
    async with worker.running(killed=True):
        await worker.wait_until_told(0, "b2")
        assert worker.told() == photos
    assert {row.batch for row in await log.written()} == {"b1"}
    successor = Worker(log, tmp_path / "second")
    async with successor.running():
        await successor.answers()
        assert (successor.told(), successor.told("b2")) == (photos, 0)
        successor.pass_time(STILL_S)
        await log.wait_until_acknowledged(len(log.told))
    row = [row for row in await log.written() if row.batch == "b1"][-1]
    assert (row.finished, row.failed) == (log.state().finished, log.state().failed)


async def test_a_worker_that_is_asked_to_end_writes_what_is_unwritten(
    log: Log, worker: Worker
) -> None:
    await log.publish(opened(100), finished(range(2)))
    async with worker.running():
        await worker.wait_until_told(2)
    assert [row.processed for row in await log.written()] == [2]
    assert await log.acknowledged() == 2


async def test_a_worker_that_is_asked_to_end_does_not_wait_for_a_log_that_goes_on(
    log: Log, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    async def go_on() -> None:
        async with AIOKafkaProducer(bootstrap_servers=log.kafka) as producer:
            for at in itertools.count():
                event = events.encode(changed("b1", at))
                await producer.send_and_wait(log.topics.batches, event, key=b"b1")

    await log.publish(opened(100), finished(range(2)))
    going_on = asyncio.create_task(go_on())
    async with worker.running():
        await worker.wait_until_told(2)
    going_on.cancel()
    await asyncio.gather(going_on, return_exceptions=True)
    assert "takes too long" not in caplog.text
    row = (await log.written())[-1]
    assert row.processed == 2
    assert await log.acknowledged() == row.log_offset + 1


async def test_what_was_written_is_recovered_and_not_folded_again(
    log: Log, worker: Worker, tmp_path: Path
) -> None:
    await log.publish(opened(2), finished(range(2)))
    async with worker.running():
        await worker.wait_until_told(2)
    for folder in ("first", "nothing"):
        again = Worker(log, tmp_path / folder)
        async with again.running():
            await again.answers()
            assert again.told() == 2
            again.pass_time(STILL_S)
            await asyncio.sleep(1)
    assert len(await log.written()) == 1


@pytest.mark.parametrize("folder", ["first", "nothing"])
async def test_a_row_that_cannot_be_read_is_folded_anew_from_the_log(
    log: Log, worker: Worker, tmp_path: Path, folder: str
) -> None:
    await log.publish(opened(3), finished(range(2)))
    async with worker.running():
        await worker.wait_until_told(2)
    async with AIOKafkaProducer(bootstrap_servers=log.kafka) as producer:
        for key in (b"b1", b"of no batch"):
            await producer.send(log.topics.progress_changelog, b"nonsense", key=key)
    await log.publish(finished([2]))
    again = Worker(log, tmp_path / folder)
    async with again.running():
        await again.answers()
        assert again.told() == 3
        assert again.rows.get(b"of no batch") is None


async def test_a_worker_that_kafka_did_not_hear_writes_and_answers_nothing_until_it_owns_again(
    log: Log, worker: Worker
) -> None:
    await log.publish(opened(100), finished(range(2)))
    async with worker.running():
        await worker.wait_until_told(2)
        worker.cut_off(SESSION_S + 2)
        async with asyncio.timeout(SESSION_S + 1):
            while worker.ownership.is_sure:
                await asyncio.sleep(0.01)
        assert not worker.ownership.answers_for(0)
        worker.pass_time(STILL_S)
        await asyncio.sleep(1)
        assert await log.written() == []
        await worker.answers()
        worker.pass_time(STILL_S)
        await log.wait_until_acknowledged(2)


async def test_events_in_memory_are_bounded(log: Log, worker: Worker) -> None:
    news = [changed("b1", at) for at in range(HELD_EVENTS_MAX)]
    await log.publish(*news[:-1])
    async with worker.running():
        await worker.wait_until_folded(HELD_EVENTS_MAX - 2)
        await asyncio.sleep(1)
        assert await log.acknowledged() == 0
        await log.publish(news[-1])
        await log.wait_until_acknowledged(HELD_EVENTS_MAX)


async def test_an_event_that_cannot_be_read_holds_up_nobody(log: Log, worker: Worker) -> None:
    async with AIOKafkaProducer(bootstrap_servers=log.kafka) as producer:
        await producer.send(log.topics.batches, b"nonsense", key=b"b1")
    await log.publish(opened(100), finished(range(2)))
    async with worker.running():
        await worker.wait_until_told(2)
        await log.wait_until_acknowledged(1)
        worker.pass_time(STILL_S)
        await log.wait_until_acknowledged(3)
