from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import murmur2

from connectors.kafka.admin import create
from connectors.kafka.embedded import EmbeddedKafka
from connectors.kafka.producer import EventProducer
from connectors.ports import free_ports
from streamapp.errors import Code, StreamappError
from streamapp.topics import TopicSpec

if TYPE_CHECKING:
    from pathlib import Path


async def new_topic(bootstrap: str, partitions: int) -> str:
    topic = f"topic-{uuid4().hex}"
    await create(bootstrap, [TopicSpec(name=topic, partitions=partitions)], replication_factor=1)
    return topic


async def contents(bootstrap: str, topic: str, partitions: int) -> dict[bytes, tuple[int, bytes]]:
    """Every event by key: its partition and value; the last one counts."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as reader:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        reader.assign(places)
        await reader.seek_to_beginning()
        ends = await reader.end_offsets(places)
        found = {}
        for _ in range(sum(ends.values())):
            event = await reader.getone()
            found[event.key] = (event.partition, event.value)
        return found


async def test_a_published_event_is_in_the_partition_of_its_key(kafka: str) -> None:
    topic = await new_topic(kafka, 7)
    producer = EventProducer(kafka)
    await producer.start()
    keys = [f"batch-{number}".encode() for number in range(40)]
    for key in keys:
        await producer.publish(topic, key, b"value of " + key)
    await producer.close()
    expected = {key: ((murmur2(key) & 0x7FFFFFFF) % 7, b"value of " + key) for key in keys}
    assert await contents(kafka, topic, 7) == expected


async def test_a_producer_starts_while_kafka_is_away_and_publishes_when_it_is_back(
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    producer = EventProducer(f"127.0.0.1:{port}")
    await producer.start()
    with pytest.raises(StreamappError) as refusal:
        await producer.publish("any", b"key", b"value")
    assert refusal.value.code is Code.KAFKA_AWAY
    with EmbeddedKafka(tmp_path, port=port) as broker:
        topic = await new_topic(broker.bootstrap, 1)
        await producer.publish(topic, b"key", b"value")
        await producer.close()
        assert await contents(broker.bootstrap, topic, 1) == {b"key": (0, b"value")}


async def test_an_event_reported_as_failed_is_not_written_when_kafka_is_back(
    tmp_path: Path,
) -> None:
    with EmbeddedKafka(tmp_path) as broker:
        topic = await new_topic(broker.bootstrap, 1)
        producer = EventProducer(broker.bootstrap, limit_s=1)
        await producer.publish(topic, b"before", b"1")
    began = time.monotonic()
    with pytest.raises(StreamappError) as refusal:
        await producer.publish(topic, b"lost", b"2")
    assert refusal.value.code is Code.KAFKA_AWAY
    assert time.monotonic() - began < 3
    port = int(broker.bootstrap.rpartition(":")[2])
    back = EmbeddedKafka(tmp_path, port=port)
    await asyncio.to_thread(back.start)  # the loop runs on, and with it what was given up
    with ExitStack() as end:
        end.callback(back.stop)
        await producer.publish(topic, b"after", b"3")
        await producer.close()
        assert (await contents(back.bootstrap, topic, 1)).keys() == {b"before", b"after"}


async def test_closing_is_quick_while_kafka_is_away(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as broker:
        topic = await new_topic(broker.bootstrap, 1)
        producer = EventProducer(broker.bootstrap, limit_s=1)
        await producer.publish(topic, b"key", b"value")
    with pytest.raises(StreamappError):
        await producer.publish(topic, b"key", b"value")
    began = time.monotonic()
    await producer.close()
    assert time.monotonic() - began < 3
