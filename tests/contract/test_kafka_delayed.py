"""Events that wait until they are due, on a real Kafka."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.kafka import admin
from connectors.kafka.delayed import STOP_LIMIT_S, Delayed
from connectors.kafka.embedded import EmbeddedKafka
from streamapp.topics import TopicSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from connectors.kafka.delayed import Waiting

PATIENCE_S = 60


def due_at(waiting: Waiting) -> float:
    return float(waiting.headers["due"] or b"")


class Topic:
    """A topic of two partitions whose events are values with the time when they are due."""

    def __init__(self, kafka: str) -> None:
        self.kafka = kafka
        self.name = f"test-{uuid4().hex}"
        self.group = f"{self.name}-group"

    async def put(self, partition: int, *events: tuple[bytes, float]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            for value, due in events:
                headers = [("due", str(due).encode())]
                await producer.send_and_wait(
                    self.name, value, b"key", partition=partition, headers=headers
                )

    async def committed(self, partition: int) -> int:
        place = TopicPartition(self.name, partition)
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka, group_id=self.group, enable_auto_commit=False
        ) as consumer:
            consumer.assign([place])
            return await consumer.committed(place) or 0


class Member:
    """A member of the group that notes what it moved, and when."""

    def __init__(self, topic: Topic) -> None:
        self.moved: list[bytes] = []
        self.late_s: list[float] = []
        self._delayed = Delayed(
            topic.kafka, f"^{topic.name}", group=topic.group, session_timeout_s=6, clock=time.time
        )

    async def move(self, waiting: Waiting) -> None:
        self.late_s.append(time.time() - due_at(waiting))
        self.moved.append(waiting.value or b"")

    @asynccontextmanager
    async def following(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self._delayed.follow(due_at, self.move))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.moved) < count:
                await asyncio.sleep(0.02)


@pytest.fixture
async def topic(kafka: str) -> Topic:
    made = Topic(kafka)
    await admin.create(kafka, [TopicSpec(name=made.name, partitions=2)], replication_factor=1)
    return made


async def test_an_event_is_moved_when_it_is_due_and_holds_up_its_own_partition_alone(
    topic: Topic,
) -> None:
    now = time.time()
    await topic.put(0, (b"later", now + 8), (b"behind", now))
    await topic.put(1, (b"now", now - 1), (b"soon", now + 1))
    member = Member(topic)
    async with member.following():
        await member.until(4)
    assert member.moved == [b"now", b"soon", b"later", b"behind"]
    assert min(member.late_s) >= 0


async def test_an_offset_moves_only_after_its_event_was_moved(topic: Topic) -> None:
    await topic.put(0, (b"done", time.time() - 1), (b"waits", time.time() + 3600))
    member = Member(topic)
    async with member.following():
        await member.until(1)
        await asyncio.sleep(0.5)
    assert await topic.committed(0) == 1


async def test_what_a_member_had_not_moved_when_it_died_is_moved_by_the_next(
    topic: Topic,
) -> None:
    class Dying(Member):
        async def move(self, waiting: Waiting) -> None:
            if waiting.value == b"2":
                raise asyncio.CancelledError
            await super().move(waiting)

    past = time.time() - 1
    await topic.put(0, (b"1", past), (b"2", past), (b"3", past))
    first = Dying(topic)
    async with first.following():
        await first.until(1)
        await asyncio.sleep(0.2)
    second = Member(topic)
    async with second.following():
        await second.until(2)
    assert first.moved == [b"1"]
    assert second.moved == [b"2", b"3"]


async def test_members_share_the_partitions_and_none_is_left_out_when_one_joins(
    topic: Topic,
) -> None:
    first, second = Member(topic), Member(topic)
    due = time.time() + 12
    for partition in (0, 1):
        await topic.put(partition, *((b"%d-%d" % (partition, n), due) for n in range(20)))
    async with first.following(), second.following():
        async with asyncio.timeout(PATIENCE_S):
            while len({*first.moved, *second.moved}) < 40:
                await asyncio.sleep(0.05)
    assert min(first.late_s + second.late_s) >= 0
    assert await topic.committed(0) == 20
    assert await topic.committed(1) == 20


async def test_all_topics_that_match_are_read_and_no_others(topic: Topic) -> None:
    more, other = Topic(topic.kafka), Topic(topic.kafka)
    more.name = f"{topic.name}-of-more-attempts"
    specs = [TopicSpec(name=each.name, partitions=2) for each in (more, other)]
    await admin.create(topic.kafka, specs, replication_factor=1)
    past = time.time() - 1
    await other.put(0, (b"other", past))
    await more.put(0, (b"more", past))
    await topic.put(1, (b"one", past))
    member = Member(topic)
    async with member.following():
        await member.until(2)
        await asyncio.sleep(0.5)
    assert sorted(member.moved) == [b"more", b"one"]


async def test_where_no_topic_matches_it_waits(kafka: str) -> None:
    async with Member(Topic(kafka)).following() as task:
        await asyncio.sleep(2)
        assert not task.done()


async def test_it_is_stopped_in_seconds_also_when_kafka_hangs(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "kafka") as broker:
        topic = Topic(broker.bootstrap)
        spec = TopicSpec(name=topic.name, partitions=2)
        await admin.create(broker.bootstrap, [spec], replication_factor=1)
        await topic.put(0, (b"now", 0))
        member = Member(topic)
        async with member.following():
            await member.until(1)
            os.kill(broker.pid, signal.SIGSTOP)
            asked = time.monotonic()
        took_s = time.monotonic() - asked
        os.kill(broker.pid, signal.SIGCONT)
    assert took_s < STOP_LIMIT_S + 1
