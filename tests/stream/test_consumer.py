"""On a real Kafka: after any rebalance a stream goes on where it must, each event once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from faust.types import TP

from connectors.kafka import admin
from streamapp.stream.generations import WorkerApp
from streamapp.topics import TopicSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from faust.types import EventT, StreamT

    from streamapp.stream.consumer import WorkerConsumer

EVENTS = 200


class Reader:
    """An app with a table and a stream of one partition: notes each delivery, acks by hand."""

    def __init__(self, kafka: str, folder: Path) -> None:
        name = f"test-{uuid4().hex}"
        self.kafka = kafka
        self.tp = TP(f"{name}.events", 0)
        self.start_earlier: int | None = None
        self.acked_below = 0
        self.delivered: dict[int, list[int]] = {}
        self.app = WorkerApp(
            name,
            bootstrap=kafka,
            folder=folder,
            partitions=1,
            store="memory://",
            web_enabled=False,
            broker_commit_interval=0.1,
        )
        self.app.Table("rows", partitions=1)
        topic = self.app.topic(self.tp.topic, value_serializer="raw", value_type=bytes)
        self.app.agent(topic)(self._read)
        self.app.on_rebalance_complete.connect(self._recovered, weak=False)
        self._changelog = f"{name}-rows-changelog"

    @property
    def consumer(self) -> WorkerConsumer:
        return cast("WorkerConsumer", self.app.consumer)

    async def prepare(self) -> None:
        names = [self.tp.topic, self._changelog]
        specs = [TopicSpec(name=name, partitions=1) for name in names]
        await admin.create(self.kafka, specs, replication_factor=1)
        await self.publish(EVENTS)

    async def publish(self, events: int) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            for _ in range(events):
                await producer.send(self.tp.topic, b"event", partition=0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.app.start()
        try:
            yield
        finally:
            await self.app.stop()

    async def rebalance(self) -> None:
        """Have the client leave its generation, as when a second worker joins."""
        before = self.app.consumer_generation_id
        thread = cast("Any", self.consumer)._thread
        client: AIOKafkaConsumer = thread._consumer
        thread.thread_loop.call_soon_threadsafe(client._coordinator.request_rejoin)
        async with asyncio.timeout(20):
            while self.app.consumer_generation_id == before:
                await asyncio.sleep(0.001)

    async def committed(self) -> int | None:
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka, group_id=self.app.conf.id, enable_auto_commit=False
        ) as client:
            offset: int | None = await client.committed(self.tp)
            return offset

    async def delete_below(self, offset: int) -> None:
        """Have Kafka forget what is older, as its retention does."""
        client = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await client.start()
        try:
            await client.delete_records({self.tp: RecordsToDelete(offset)})
        finally:
            await client.close()

    async def move(self, offset: int) -> None:
        """Move the client behind the consumer's back, when no fetch is under way any more."""
        await asyncio.sleep(1.5)
        await self.consumer.seek_wait({self.tp: offset})

    async def generation_delivered(self, offsets: list[int]) -> None:
        """Return when the present generation was given exactly ``offsets``, in order."""
        try:
            async with asyncio.timeout(10):
                while self._latest() != offsets:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            assert self._latest() == offsets

    def _latest(self) -> list[int]:
        return self.delivered.get(self.app.consumer_generation_id, [])

    async def _read(self, stream: StreamT[bytes]) -> None:
        async for event in cast("Any", stream).noack().events():
            self._note(event)

    def _note(self, event: EventT[bytes]) -> None:
        generation = cast("int", event.message.generation_id)
        self.delivered.setdefault(generation, []).append(event.message.offset)
        if event.message.offset < self.acked_below:
            event.ack()

    async def _recovered(self, *_args: Any, **_options: Any) -> None:
        await self.consumer.first_offsets()
        if self.start_earlier is not None:
            self.consumer.start_earlier(self.tp, self.start_earlier)


@pytest.fixture
async def reader(kafka: str, tmp_path: Path) -> Reader:
    reader = Reader(kafka, tmp_path)
    await reader.prepare()
    return reader


@pytest.mark.parametrize("pause_s", [0.0, 0.3, 1.1])
async def test_what_was_never_acknowledged_is_delivered_again_after_every_rebalance(
    reader: Reader, pause_s: float
) -> None:
    """Also while a fetch is under way, and when the next rebalance comes before the first ends."""
    everything = list(range(EVENTS))
    async with reader.running():
        for _ in range(4):
            await reader.generation_delivered(everything)
            await reader.rebalance()
            await asyncio.sleep(pause_s)
            await reader.rebalance()
        await reader.generation_delivered(everything)


async def test_a_stream_starts_behind_what_was_acknowledged(reader: Reader) -> None:
    reader.acked_below = 120
    async with reader.running():
        await reader.generation_delivered(list(range(EVENTS)))
        await asyncio.sleep(0.5)
        await reader.rebalance()
        await reader.generation_delivered(list(range(120, EVENTS)))


async def test_a_stream_may_start_earlier_and_what_was_acknowledged_stays_so(
    reader: Reader,
) -> None:
    reader.acked_below = 120
    async with reader.running():
        await reader.generation_delivered(list(range(EVENTS)))
        await asyncio.sleep(0.5)
        reader.start_earlier = 50
        await reader.rebalance()
        await reader.generation_delivered(list(range(50, EVENTS)))
        assert await reader.committed() == 120


async def test_what_a_fetch_takes_while_the_flow_is_stopped_is_delivered_later(
    reader: Reader,
) -> None:
    async with reader.running():
        await reader.generation_delivered(list(range(EVENTS)))
        await asyncio.sleep(0.1)
        reader.consumer.stop_flow()
        await reader.publish(1)
        await asyncio.sleep(1.5)
        reader.consumer.resume_flow()
        await reader.generation_delivered(list(range(EVENTS + 1)))


async def test_a_stream_that_was_moved_on_goes_back(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    async with reader.running():
        await reader.generation_delivered(list(range(EVENTS)))
        reader.consumer.stop_flow()
        await reader.publish(20)
        await reader.move(EVENTS + 10)
        reader.consumer.resume_flow()
        await reader.generation_delivered(list(range(EVENTS + 20)))
    assert f"goes back from {EVENTS + 10} to {EVENTS}" in caplog.text


async def test_events_that_kafka_deleted_unread_are_reported_and_passed_over(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.acked_below = EVENTS + 100
    async with reader.running():
        await reader.generation_delivered(list(range(EVENTS)))
        reader.consumer.stop_flow()
        await reader.publish(100)
        await reader.delete_below(EVENTS + 60)
        await reader.move(EVENTS)
        reader.consumer.resume_flow()
        kept = [*range(EVENTS), *range(EVENTS + 60, EVENTS + 100)]
        await reader.generation_delivered(kept)
        await asyncio.sleep(0.5)
        assert await reader.committed() == EVENTS + 100
    assert f"@{EVENTS} to {EVENTS + 59} are lost" in caplog.text


async def test_starts_that_were_asked_for_before_another_rebalance_do_not_count(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reader.running():
        await reader.generation_delivered(list(range(EVENTS)))
        ask = reader.consumer.earliest_offsets

        async def interrupted(*tps: TP) -> Any:
            answer = await ask(*tps)
            await reader.consumer.on_partitions_revoked(set())
            return answer

        monkeypatch.setattr(reader.consumer, "earliest_offsets", interrupted)
        await reader.consumer.first_offsets()
        assert not reader.consumer.starting


async def test_a_stream_starts_at_the_oldest_event_that_is_left(reader: Reader) -> None:
    await reader.delete_below(80)
    reader.start_earlier = 10
    async with reader.running():
        await reader.generation_delivered(list(range(80, EVENTS)))
