"""A topic that every process reads wholly, through whatever Kafka does meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from connectors.kafka import admin
from connectors.kafka.broadcast import Broadcast
from connectors.kafka.embedded import EmbeddedKafka
from connectors.kafka.producer import EventProducer
from connectors.ports import free_ports
from streamapp.topics import TopicSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PATIENCE_S = 40.0
KEYS = 7


async def new_topic(bootstrap: str, name: str = "") -> str:
    name = name or f"topic-{uuid4().hex}"
    spec = TopicSpec(name=name, partitions=1, config={"cleanup.policy": "compact,delete"})
    await admin.create(bootstrap, [spec], replication_factor=1)
    return name


async def write(bootstrap: str, topic: str, numbers: range) -> None:
    """Events of a few keys, so that most of them replace one before."""
    producer = EventProducer(bootstrap)
    for number in numbers:
        await producer.publish(topic, b"%d" % (number % KEYS), b"%d" % number)
    await producer.close()


async def delete_below(bootstrap: str, topic: str, offset: int) -> None:
    """Have Kafka forget what is older, as its retention does."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(offset)})
    finally:
        await client.close()


class Reading:
    """What one reader was given; ``at_the_end`` is how much of it before it had caught up."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.at_the_end: list[int] = []

    def take(self, value: bytes | None) -> None:
        self.numbers.append(int(value or b""))

    def caught_up(self) -> None:
        self.at_the_end.append(len(self.numbers))


@asynccontextmanager
async def reading(bootstrap: str, topic: str) -> AsyncIterator[Reading]:
    """A reader at work; that it ends at once when asked to is tested by the way."""
    read = Reading()
    task = asyncio.create_task(
        Broadcast(bootstrap, topic).follow(read.take, caught_up=read.caught_up)
    )
    try:
        yield read
    finally:
        if task.done():
            task.result()
        began = time.monotonic()
        task.cancel()
        await asyncio.wait([task])
        assert time.monotonic() - began < 3


async def until(reached: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not reached():
            await asyncio.sleep(0.02)


async def test_every_reader_is_given_all_from_the_beginning_and_then_what_comes(
    kafka: str,
) -> None:
    topic = await new_topic(kafka)
    await write(kafka, topic, range(50))
    async with reading(kafka, topic) as one, reading(kafka, topic) as other:
        await until(lambda: bool(one.at_the_end and other.at_the_end))
        await write(kafka, topic, range(50, 60))
        await until(lambda: len(one.numbers) == len(other.numbers) == 60)
    assert one.numbers == other.numbers == list(range(60))
    assert one.at_the_end == other.at_the_end == [50]


async def test_an_empty_topic_is_caught_up_with_at_once(kafka: str) -> None:
    topic = await new_topic(kafka)
    async with reading(kafka, topic) as read:
        await until(lambda: read.at_the_end == [0])


@pytest.mark.parametrize("left", [20, 0])
async def test_what_is_too_old_for_the_topic_is_not_waited_for(kafka: str, left: int) -> None:
    topic = await new_topic(kafka)
    await write(kafka, topic, range(50))
    await delete_below(kafka, topic, 50 - left)
    async with reading(kafka, topic) as read:
        await until(lambda: bool(read.at_the_end))
        await write(kafka, topic, range(50, 53))
        await until(lambda: len(read.numbers) == left + 3)
    assert read.at_the_end == [left]
    assert read.numbers == list(range(50 - left, 53))


async def test_a_topic_that_is_not_there_yet_is_waited_for(kafka: str) -> None:
    name = f"topic-{uuid4().hex}"
    async with reading(kafka, name) as read:
        await asyncio.sleep(0.5)
        assert read.at_the_end == []
        await new_topic(kafka, name)
        await write(kafka, name, range(3))
        await until(lambda: bool(read.at_the_end) and read.numbers == [0, 1, 2])


async def test_a_kafka_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with reading(f"127.0.0.1:{port}", "kept") as read:
        await asyncio.sleep(0.5)
        assert read.at_the_end == []
        kafka = EmbeddedKafka(tmp_path, port=port)
        await asyncio.to_thread(kafka.start)
        try:
            await new_topic(kafka.bootstrap, "kept")
            await write(kafka.bootstrap, "kept", range(3))
            await until(lambda: bool(read.at_the_end) and read.numbers == [0, 1, 2])
        finally:
            await asyncio.to_thread(kafka.stop)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_after_an_outage_it_goes_on_where_it_was(tmp_path: Path, end: signal.Signals) -> None:
    before = EmbeddedKafka(tmp_path)
    await asyncio.to_thread(before.start)
    topic = await new_topic(before.bootstrap)
    await write(before.bootstrap, topic, range(20))
    async with reading(before.bootstrap, topic) as read:
        await until(lambda: len(read.numbers) == 20)
        os.kill(before.pid, end)
        await asyncio.to_thread(before.stop)
        await asyncio.sleep(2)
        port = int(before.bootstrap.rpartition(":")[2])
        back = EmbeddedKafka(tmp_path, port=port)
        await asyncio.to_thread(back.start)
        try:
            await write(back.bootstrap, topic, range(20, 40))
            await until(lambda: len(read.numbers) >= 40)
        finally:
            await asyncio.to_thread(back.stop)
        assert read.numbers == list(range(40))


async def test_what_the_one_who_takes_cannot_bear_ends_it(kafka: str) -> None:
    topic = await new_topic(kafka)
    await write(kafka, topic, range(1))

    def refuse(_value: bytes | None) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await Broadcast(kafka, topic).follow(refuse, caught_up=lambda: None)
