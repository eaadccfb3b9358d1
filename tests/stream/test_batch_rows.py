"""On a real Kafka: the batch log becomes rows of ``batches``, and is acknowledged after them."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from msgspec import structs
from pyroaring import BitMap

from connectors.kafka import admin
from connectors.records.sqlite import SqliteRecords
from streamapp.errors import Code, StreamappError
from streamapp.events import BatchCancelled, Cursor, ExpansionAdvanced, PriorityChanged, RunStarted
from streamapp.progress import serialized
from streamapp.stream import record, tally
from streamapp.stream.batch_rows import HELD_EVENTS_MAX, PAUSE_S, batch_row
from streamapp.stream.circuit import Circuit
from streamapp.stream.generations import WorkerApp
from streamapp.stream.photo_rows import UPSERT_ROWS
from streamapp.stream.turns import Turns
from tests.stream.test_tally import FRAME, Log, finished, frames, opened, rebalance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from connectors.records.interface import BatchRecord, PhotoRecord
    from streamapp.progress import Progress

SESSION_S = 6.0
PATIENCE_S = 20.0


class CountedRecords(SqliteRecords):
    """A store that keeps in mind what it was given; ``away``, it takes no row of a batch."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.given: list[BatchRecord] = []
        self.upserts: list[int] = []
        self.away = False

    async def upsert(self, rows: Sequence[PhotoRecord]) -> None:
        await super().upsert(rows)
        self.upserts.append(len(rows))

    async def upsert_batch(self, batch: BatchRecord) -> None:
        if self.away:
            raise StreamappError(Code.RECORDS_AWAY)
        await super().upsert_batch(batch)
        self.given.append(batch)


class Worker:
    """A worker that tallies and records, and does nothing else."""

    def __init__(self, log: Log, folder: Path, rows: Path) -> None:
        self.records = CountedRecords(rows)
        self.circuit = Circuit("records", time.time)
        self.behind: Progress | None = None
        """What the tally has folded, in the place of what it has."""
        self.app = WorkerApp(
            log.topics.app_id,
            bootstrap=log.kafka,
            folder=folder,
            partitions=1,
            session_timeout_s=SESSION_S,
            web_enabled=False,
            broker_commit_interval=0.1,
        )
        tallied = tally.register(
            self.app,
            topics=log.topics,
            kafka=Circuit("kafka", time.time),
            followers=Turns(window_photos=100, clock=time.monotonic),
            held_s_max=0.1,
            clock=time.monotonic,
        )
        record.register(
            self.app,
            topics=log.topics,
            records=self.records,
            circuit=self.circuit,
            crop_url=str,
            state_of=lambda key: self.behind or tallied.rows.state(key),
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
            await self.records.close()


@pytest.fixture
async def log(kafka: str) -> Log:
    log = Log(kafka)
    await admin.create(kafka, log.topics.specs(), replication_factor=1)
    return log


@pytest.fixture
def worker(log: Log, tmp_path: Path) -> Worker:
    return Worker(log, tmp_path / "first", tmp_path / "records.sqlite")


async def wait_for_row(worker: Worker, log: Log, batch: str = "b1") -> BatchRecord:
    """The row, once it is what the whole log makes of the batch."""
    wanted, found = batch_row(log.state(batch)), None
    deadline = time.monotonic() + PATIENCE_S
    while found != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        if worker.records.given:
            found = await worker.records.batch(batch)
    assert found == wanted
    assert found
    return found


async def test_the_row_of_a_batch_follows_it_from_its_opening_to_its_end(
    log: Log, worker: Worker
) -> None:
    async with worker.running():
        await log.publish(opened(4 * FRAME))
        row = await wait_for_row(worker, log)
        assert (row.status, row.photos, row.processed) == ("queued", 4 * FRAME, 0)
        assert (row.created_at, row.started_at, row.ended_at) == (1.0, None, None)
        await log.publish(*frames(2 * FRAME))
        row = await wait_for_row(worker, log)
        assert (row.status, row.processed, row.failed) == ("processing", 64, 22)
        assert (row.started_at, row.ended_at) == (1.0, None)
        await log.publish(*frames(4 * FRAME)[2:])
        row = await wait_for_row(worker, log)
        assert (row.status, row.processed, row.ended_at) == ("completed", 128, 1.0)
        await log.wait_until_acknowledged(len(log.told))


async def test_a_batch_is_written_about_once_a_second_however_much_is_told_of_it(
    log: Log, worker: Worker
) -> None:
    async with worker.running():
        await log.publish(opened(1000 * FRAME))
        await wait_for_row(worker, log)
        begun, before = time.monotonic(), len(worker.records.given)
        for frame in frames(30 * FRAME):
            await log.publish(frame)
            await asyncio.sleep(0.1)
        await wait_for_row(worker, log)
        assert len(worker.records.given) - before <= (time.monotonic() - begun) / PAUSE_S + 1


async def test_nothing_is_acknowledged_before_its_row_is_in_the_database(
    log: Log, worker: Worker
) -> None:
    worker.records.away = True
    await log.publish(opened(FRAME), *frames(FRAME))
    async with worker.running():
        await folded_and_without_row(worker, log)
        assert await log.acknowledged() == 0
        worker.records.away = False
        await wait_for_row(worker, log)
        await log.wait_until_acknowledged(len(log.told))


async def folded_and_without_row(worker: Worker, log: Log) -> None:
    """Return when the table has the end and the photos have rows, and the batch could have one."""
    async with asyncio.timeout(PATIENCE_S):
        while not (rows := await log.written()) or rows[-1].processed < FRAME:
            await asyncio.sleep(0.05)
        while sum(worker.records.upserts) < FRAME or not worker.circuit.openings:
            await asyncio.sleep(0.05)
    await asyncio.sleep(2 * PAUSE_S)


async def test_nothing_is_acknowledged_that_the_tally_has_not_folded(
    log: Log, worker: Worker
) -> None:
    await log.publish(opened(FRAME))
    worker.behind = structs.replace(log.state(), log_offset=0)
    await log.publish(*frames(FRAME), *frames(FRAME))
    async with worker.running():
        async with asyncio.timeout(PATIENCE_S):
            while not (rows := await log.written()) or rows[-1].processed < FRAME:
                await asyncio.sleep(0.05)
        await log.wait_until_acknowledged(1)
        await asyncio.sleep(2 * PAUSE_S)
        assert await log.acknowledged() == 1
        worker.behind = None
        await log.wait_until_acknowledged(len(log.told))
        await wait_for_row(worker, log)


async def test_the_end_of_a_batch_is_written_by_the_successor_of_a_killed_worker(
    log: Log, worker: Worker, tmp_path: Path
) -> None:
    """The table has the end already, so nothing but the log can tell that the row is missing."""
    worker.records.away = True
    await log.publish(opened(FRAME), *frames(FRAME))
    async with worker.running(killed=True):
        await folded_and_without_row(worker, log)
    second = Worker(log, tmp_path / "second", tmp_path / "records.sqlite")
    async with second.running():
        row = await wait_for_row(second, log)
        assert row.status == "completed"
        await log.wait_until_acknowledged(len(log.told))


async def test_what_an_ending_worker_holds_is_written_before_it_ends(
    log: Log, worker: Worker
) -> None:
    async with worker.running():
        await log.publish(opened(FRAME))
        await wait_for_row(worker, log)
        await log.publish(*frames(FRAME))
        async with asyncio.timeout(PATIENCE_S):
            while not await worker.records.counts("b1"):
                await asyncio.sleep(0.01)
    assert await worker.records.batch("b1") == batch_row(log.state())


async def test_a_replay_and_its_cancellation_are_told_in_the_row(log: Log, worker: Worker) -> None:
    again = serialized(BitMap([1, 2]))
    run = RunStarted(
        batch="b1", project="p", run=2, started_at=7.0, priority=9, photos=again, parts=()
    )
    cancelled = BatchCancelled(batch="b1", project="p", cancelled_at=8.0, run=2)
    async with worker.running():
        await log.publish(opened(FRAME), *frames(FRAME), run)
        row = await wait_for_row(worker, log)
        assert (row.run, row.status, row.processed, row.priority) == (2, "processing", FRAME, 9)
        assert (row.started_at, row.ended_at) == (7.0, None)
        await log.publish(cancelled)
        row = await wait_for_row(worker, log)
        assert (row.status, row.ended_at) == ("completed", 8.0)


async def test_photos_have_rows_from_their_queueing_on(log: Log, worker: Worker) -> None:
    queued = ExpansionAdvanced(
        batch="b1",
        project="p",
        first_index=0,
        cursor=Cursor(index=FRAME),
        names=tuple((index, f"{index}.jpg") for index in range(FRAME)),
    )
    async with worker.running():
        await log.publish(opened(FRAME), finished([3]), queued)
        async with asyncio.timeout(PATIENCE_S):
            while not worker.records.given or len(await worker.records.photos("b1")) < FRAME:
                await asyncio.sleep(0.05)
        assert await worker.records.counts("b1") == {"queued": FRAME - 1, "failed": 1}
        await log.publish(*frames(FRAME), queued)
        await wait_for_row(worker, log)
        await log.wait_until_acknowledged(len(log.told))
        assert sum((await worker.records.counts("b1")).values()) == FRAME
        assert "queued" not in await worker.records.counts("b1")


async def test_frames_that_wait_go_to_the_database_together(log: Log, worker: Worker) -> None:
    photos = 300 * FRAME
    await log.publish(opened(photos), *frames(photos))
    async with worker.running():
        await wait_for_row(worker, log)
    assert sum(worker.records.upserts) == photos
    assert len(worker.records.upserts) < 300 // 4
    assert max(worker.records.upserts) <= UPSERT_ROWS + FRAME


async def test_more_events_than_are_held_go_through(log: Log, worker: Worker) -> None:
    photos = HELD_EVENTS_MAX + 500
    await log.publish(opened(photos), *(finished([index]) for index in range(photos)))
    async with worker.running():
        row = await wait_for_row(worker, log)
        assert row.processed == photos
        await log.wait_until_acknowledged(len(log.told))


async def test_what_is_known_of_a_batch_that_is_not_opened_is_no_row(
    log: Log, worker: Worker
) -> None:
    await log.publish(PriorityChanged(batch="b1", project="p", priority=1, changed_at=1.0))
    async with worker.running():
        await log.wait_until_acknowledged(1)
        assert worker.records.given == []
        await log.publish(opened(FRAME))
        row = await wait_for_row(worker, log)
        assert row.priority == 1


async def test_what_is_unwritten_at_a_rebalance_is_written_after_it(
    log: Log, tmp_path: Path
) -> None:
    worker = Worker(log, tmp_path / "first", tmp_path / "later" / "records.sqlite")
    await log.publish(opened(FRAME), *frames(FRAME))
    async with worker.running():
        async with asyncio.timeout(PATIENCE_S):
            while not worker.circuit.is_open:
                await asyncio.sleep(0.05)
        await rebalance(worker.app)
        (tmp_path / "later").mkdir()
        await wait_for_row(worker, log)
        await log.wait_until_acknowledged(len(log.told))
        for number in range(3):
            await log.publish(opened(FRAME, f"c{number}"))
            await rebalance(worker.app)
        await wait_for_row(worker, log, "c2")
        await log.wait_until_acknowledged(len(log.told))


async def test_an_event_that_cannot_be_read_holds_up_no_other(log: Log, worker: Worker) -> None:
    async with AIOKafkaProducer(bootstrap_servers=log.kafka) as producer:
        await producer.send(log.topics.batches, b"{", key=b"b1")
    await log.publish(opened(FRAME))
    async with worker.running():
        await wait_for_row(worker, log)
        await log.wait_until_acknowledged(2)
