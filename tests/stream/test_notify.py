"""Over a real receiver and database: what is in the outbox is delivered, by one of the workers."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from connectors.records.sqlite import SqliteRecords
from connectors.webhooks.sender import HttpSender
from streamapp.stream import notify
from streamapp.stream.circuit import Circuit
from streamapp.stream.metrics import Metrics
from streamapp.stream.notify import CLAIM_S, IN_HAND_MAX, Notifier
from tests.webhook_receiver import SECRET, Receiver
from tests.webhook_records import a_webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from connectors.records.outbox import Webhook

PATIENCE_S = 20.0


class Worker:
    """What of a worker notifies; ``ahead_s`` is how much its clock is ahead."""

    def __init__(self, path: Path, url: str, ahead_s: float = 0.0) -> None:
        self.records = SqliteRecords(path)
        self.circuit = Circuit("records", time.time)
        self.metrics = Metrics()
        self.ahead_s = ahead_s
        self.notifier = Notifier(
            self.records,
            HttpSender([SECRET], hosts_allowed=["127.0.0.1"], clock=time.time, timeout_s=5),
            url=url,
            circuit=self.circuit,
            metrics=self.metrics,
            clock=lambda: time.time() + self.ahead_s,
            chance=lambda: 0.5,
        )

    def count(self, result: str) -> float:
        return (
            self.metrics.registry.get_sample_value("streamapp_webhooks_total", {"result": result})
            or 0.0
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.notifier.notify())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.records.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[SqliteRecords]:
    records = SqliteRecords(tmp_path / "records.sqlite")
    await records.prepare()
    yield records
    await records.close()


@pytest.fixture
def worker(tmp_path: Path, receiver: Receiver) -> Worker:
    return Worker(tmp_path / "records.sqlite", receiver.url)


async def until(
    records: SqliteRecords, reached: Callable[[list[Webhook]], object]
) -> list[Webhook]:
    deadline = time.monotonic() + PATIENCE_S
    while not reached(rows := await records.webhooks("batch-1")):
        assert time.monotonic() < deadline, rows
        await asyncio.sleep(0.02)
    return rows


def all_delivered(rows: list[Webhook]) -> bool:
    return all(row.state == "delivered" for row in rows)


async def test_what_is_due_is_delivered_and_noted(
    records: SqliteRecords, worker: Worker, receiver: Receiver
) -> None:
    await records.add_webhooks([a_webhook(url=""), a_webhook("msg_2", url=f"{receiver.url}&own")])
    async with worker.running():
        rows = await until(records, all_delivered)
    assert sorted(each.headers["webhook-id"] for each in receiver.messages) == ["msg_1", "msg_2"]
    assert all(each.verified == {"type": "batch.completed"} for each in receiver.messages)
    assert [[attempt.status for attempt in row.attempts] for row in rows] == [[200], [200]]
    assert worker.count("delivered") == 2


async def test_a_receiver_that_does_not_take_it_is_asked_again_after_a_pause(
    records: SqliteRecords, worker: Worker, receiver: Receiver
) -> None:
    receiver.answers = [web.Response(status=503), web.Response(status=404)]
    await records.add_webhooks([a_webhook(url="", due_since=time.time(), next_at=time.time())])
    async with worker.running():
        (row,) = await until(records, lambda rows: rows[0].attempts)
        assert (row.state, row.attempts[0].status) == ("due", 503)
        assert row.next_at - row.attempts[0].at >= notify.FIRST_PAUSE_S * 0.75
        worker.ahead_s = 10
        worker.notifier.look()
        await until(records, lambda rows: len(rows[0].attempts) == 2)
        worker.ahead_s = 60
        worker.notifier.look()
        (row,) = await until(records, all_delivered)
    assert [attempt.status for attempt in row.attempts] == [503, 404, 200]
    assert {each.headers["webhook-id"] for each in receiver.messages} == {"msg_1"}
    assert (worker.count("retried"), worker.count("delivered")) == (2, 1)


async def test_what_nobody_takes_for_a_day_is_given_up(
    records: SqliteRecords, worker: Worker, receiver: Receiver
) -> None:
    receiver.answers = [web.Response(status=500)]
    day_ago = time.time() - notify.TRIED_S
    await records.add_webhooks([a_webhook(url="", due_since=day_ago, next_at=day_ago)])
    async with worker.running():
        await until(records, lambda rows: rows[0].state == "failed")
        assert worker.count("failed") == 1
        assert worker.metrics.webhooks_due in {0, 1}


async def test_of_two_workers_one_delivers(
    records: SqliteRecords, worker: Worker, receiver: Receiver, tmp_path: Path
) -> None:
    other = Worker(tmp_path / "records.sqlite", receiver.url)
    await records.add_webhooks([a_webhook(f"msg_{n}", url="") for n in range(3 * IN_HAND_MAX)])
    async with worker.running(), other.running():
        await until(records, all_delivered)
    assert len(receiver.messages) == 3 * IN_HAND_MAX
    assert worker.count("delivered") + other.count("delivered") == 3 * IN_HAND_MAX


async def test_a_message_whose_worker_died_is_sent_again_by_another(
    records: SqliteRecords, worker: Worker, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.hangs = True
    await records.add_webhooks([a_webhook(url="")])
    async with worker.running(), asyncio.timeout(PATIENCE_S):
        while not receiver.messages:
            await asyncio.sleep(0.02)
    receiver.hangs = False
    async with Worker(tmp_path / "records.sqlite", receiver.url).running():
        await asyncio.sleep(0.2)
        assert len(receiver.messages) == 1  # the claim holds
    later = Worker(tmp_path / "records.sqlite", receiver.url, ahead_s=CLAIM_S)
    async with later.running():
        await until(records, all_delivered)
    assert [each.headers["webhook-id"] for each in receiver.messages] == ["msg_1", "msg_1"]


async def test_one_receiver_that_hangs_does_not_hold_up_another(
    records: SqliteRecords, worker: Worker, receiver: Receiver
) -> None:
    async with Receiver(hangs=True).serving() as stuck:
        await records.add_webhooks([a_webhook("msg_1", url=stuck.url)])
        async with worker.running(), asyncio.timeout(PATIENCE_S):
            while not stuck.messages:
                await asyncio.sleep(0.02)
            await records.add_webhooks([a_webhook("msg_2", url="", batch_id="b2")])
            worker.notifier.look()
            while not receiver.messages:
                await asyncio.sleep(0.02)
        assert (await records.webhooks("batch-1"))[0].state == "due"


async def test_while_the_database_is_away_nothing_is_sent(
    tmp_path: Path, receiver: Receiver
) -> None:
    worker = Worker(tmp_path / "later" / "records.sqlite", receiver.url)
    async with worker.running(), asyncio.timeout(PATIENCE_S):
        while not worker.circuit.is_open:
            await asyncio.sleep(0.02)
        assert not receiver.messages
        (tmp_path / "later").mkdir()
        records = SqliteRecords(tmp_path / "later" / "records.sqlite")
        await records.prepare()
        await records.add_webhooks([a_webhook(url="")])
        await until(records, all_delivered)
        await records.close()
    assert len(receiver.messages) == 1


async def test_a_private_address_of_a_batch_is_not_reached_and_the_log_says_so(
    records: SqliteRecords, worker: Worker, receiver: Receiver
) -> None:
    inside = receiver.url.replace("127.0.0.1", "localhost")
    await records.add_webhooks([a_webhook(url=inside, due_since=time.time())])
    async with worker.running():
        (row,) = await until(records, lambda rows: rows[0].attempts)
    assert (row.attempts[0].status, row.attempts[0].fault) == (
        None,
        "the host's address is not public",
    )
    assert receiver.connections == 0
