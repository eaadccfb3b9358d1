"""What a test sees of an installation's topics and groups, past the workers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from tests.e2e.installation import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiokafka import ConsumerRecord

    from streamapp.settings import Settings

Places = dict[TopicPartition, int]
"""An offset for each partition."""


def everything_in(settings: Settings, topic: str) -> list[ConsumerRecord]:
    """All that was ever published to a topic."""
    return asyncio.run(_everything_in(settings, topic))


async def _everything_in(settings: Settings, topic: str) -> list[ConsumerRecord]:
    places = [TopicPartition(topic, n) for n in range(settings.partitions)]
    async with (
        asyncio.timeout(PATIENCE_S),
        AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest"
        ) as reader,
    ):
        reader.assign(places)
        ends = await reader.end_offsets(places)
        found: list[ConsumerRecord] = []
        while len(found) < sum(ends.values()):
            fetched = await reader.getmany(timeout_ms=500)
            found += [record for records in fetched.values() for record in records]
        return found


def to_come(settings: Settings, group: str, topics: Iterable[str]) -> Places:
    """How many events of each partition the group has not committed, where there are any."""
    return asyncio.run(_to_come(settings, group, topics))


async def _to_come(settings: Settings, group: str, topics: Iterable[str]) -> Places:
    places = [TopicPartition(topic, n) for topic in topics for n in range(settings.partitions)]
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=group, enable_auto_commit=False
    ) as reader:
        reader.assign(places)
        ends = await reader.end_offsets(places)
        waiting = {place: ends[place] - (await reader.committed(place) or 0) for place in places}
    return {place: count for place, count in waiting.items() if count}


def members_of(settings: Settings, group: str) -> dict[str, set[TopicPartition]]:
    """What each member of a group has, by the member's id."""
    return asyncio.run(_members_of(settings, group))


async def _members_of(settings: Settings, group: str) -> dict[str, set[TopicPartition]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    return {
        member_id: {
            TopicPartition(topic, number)
            for topic, numbers in ConsumerProtocolMemberAssignment.decode(told).assignment
            for number in numbers
        }
        for member_id, _, _, _, told in (member[:5] for member in answer.groups[0][5])
        if told
    }
