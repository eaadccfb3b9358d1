"""What a topic of a real Kafka holds from an offset on, up to now."""

from __future__ import annotations

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from connectors.kafka import admin
from connectors.kafka.excerpt import keys_since
from connectors.ports import free_ports
from streamapp.errors import Code, StreamappError
from streamapp.topics import TopicSpec


@pytest.fixture
async def topic(kafka: str) -> str:
    """A topic of two partitions with 3,000 and 5 events; more than one fetch brings."""
    name = f"topic-{uuid4().hex}"
    spec = TopicSpec(name=name, partitions=2)
    await admin.create(kafka, [spec], replication_factor=1)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for partition, count in enumerate((3000, 5)):
            for number in range(count):
                await producer.send(name, b"x", b"%d-%d" % (partition, number), partition=partition)
    return name


async def read(bootstrap: str, topic: str, offset: int, partition: int | None = None) -> list[str]:
    return [key.decode() async for key in keys_since(bootstrap, topic, offset, partition)]


async def test_every_event_is_given_once_and_in_its_partitions_order(
    kafka: str, topic: str
) -> None:
    keys = await read(kafka, topic, 0)
    for partition, count in enumerate((3000, 5)):
        of_partition = [key for key in keys if key.startswith(f"{partition}-")]
        assert of_partition == [f"{partition}-{number}" for number in range(count)]
    assert len(keys) == 3005


async def test_it_begins_at_the_offset_and_a_partition_that_ends_before_gives_nothing(
    kafka: str, topic: str
) -> None:
    assert await read(kafka, topic, 2998) == ["0-2998", "0-2999"]
    assert await read(kafka, topic, 3, partition=1) == ["1-3", "1-4"]
    assert await read(kafka, topic, 10**18) == []


async def test_what_is_appended_meanwhile_is_left_out(kafka: str, topic: str) -> None:
    keys = []
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        async for key in keys_since(kafka, topic, 0, 1):
            await producer.send_and_wait(topic, b"x", b"later", partition=1)
            keys.append(key)
    assert keys == [b"1-%d" % number for number in range(5)]


async def test_what_is_not_there_is_told(kafka: str, topic: str) -> None:
    for name, partition in ((f"no-{topic}", None), (topic, 2)):
        with pytest.raises(StreamappError) as refusal:
            await read(kafka, name, 0, partition)
        assert refusal.value.code is Code.TOPICS_MISSING
    with pytest.raises(StreamappError) as refusal:
        await read(f"127.0.0.1:{free_ports(1)[0]}", topic, 0)
    assert refusal.value.code is Code.KAFKA_AWAY
