"""The workers' consumer group as any Kafka tool sees it: how far it is, and set back to nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

if TYPE_CHECKING:
    from streamapp.topics import Topics

RESET_WITHIN_S = 90.0


def consumed(of: Topics) -> list[TopicPartition]:
    """The partitions that the workers' group reads."""
    names = [of.archives, of.batches, of.photos("high"), of.photos("normal"), of.photos("low")]
    return [TopicPartition(name, n) for name in names for n in range(of.partitions)]


def retried(of: Topics) -> list[TopicPartition]:
    """The partitions that the group of the retries reads."""
    return [TopicPartition(name, n) for name in of.retries for n in range(of.partitions)]


async def lag(bootstrap: str, of: Topics) -> int:
    """Events that were not acknowledged yet, in both groups."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        workers = await admin.list_consumer_group_offsets(of.app_id)
        retries = await admin.list_consumer_group_offsets(of.retry_group)
    finally:
        await admin.close()
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        ends = await consumer.end_offsets([*consumed(of), *retried(of)])
    done = {tp: max(0, told.offset) for tp, told in {**workers, **retries}.items()}
    return sum(max(0, end - done.get(tp, 0)) for tp, end in ends.items())


async def reset_to_earliest(bootstrap: str, of: Topics) -> None:
    """``kafka-consumer-groups --reset-offsets --to-earliest`` for the workers' group.

    Like that, it needs a group without members; one that left without a word is dropped by Kafka
    when its session has timed out.

    Raises:
        TimeoutError: The group does not become empty.
    """
    async with asyncio.timeout(RESET_WITHIN_S):
        while not await _moved_to_zero(bootstrap, of.app_id, consumed(of)):  # noqa: ASYNC110 - Kafka decides
            await asyncio.sleep(0.5)


async def _moved_to_zero(bootstrap: str, group: str, partitions: list[TopicPartition]) -> bool:
    with suppress(KafkaError):
        async with AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
        ) as consumer:
            consumer.assign(partitions)
            await consumer.commit(dict.fromkeys(partitions, 0))
            return {await consumer.committed(partition) for partition in partitions} == {0}
    return False
