"""The keys of a topic's events from an offset on, up to where the topic ended when it was asked.

Read without a group, so nobody's place in the topic changes. Bounded: what is appended meanwhile
is left out, and a Kafka that gives nothing for `LIMIT_S` is ``KAFKA_AWAY``. In memory is one fetch.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from connectors.kafka import admin
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT_S = 10.0


async def keys_since(
    bootstrap: str, topic: str, offset: int, partition: int | None = None
) -> AsyncIterator[bytes]:
    """The key of each event from ``offset`` on, of one partition or of each of them.

    In the order of a partition, partitions mixed. Where ``offset`` is no longer kept it begins with
    the oldest event that is; behind the end there is nothing.

    Raises:
        StreamappError: ``TOPICS_MISSING``, when there is no such topic or partition;
            ``KAFKA_AWAY``.
    """
    places = await _places(bootstrap, topic, partition)
    async with _connected(bootstrap) as reader:
        ends = await reader.end_offsets(places)
        starts = await reader.beginning_offsets(places)
        reader.assign(places)
        for place in places:
            reader.seek(place, min(max(offset, starts[place]), ends[place]))
        while unread := [each for each in places if await reader.position(each) < ends[each]]:
            async with asyncio.timeout(LIMIT_S):
                fetched = await reader.getmany(*unread, timeout_ms=int(LIMIT_S * 2000))
            for place, events in fetched.items():
                for event in events:
                    if event.offset < ends[place]:
                        yield event.key


async def _places(bootstrap: str, topic: str, partition: int | None) -> list[TopicPartition]:
    partitions = (await admin.describe(bootstrap, [topic])).get(topic, 0)
    wanted = range(partitions) if partition is None else [partition]
    if not wanted or wanted[0] >= partitions:
        raise StreamappError(
            Code.TOPICS_MISSING, topic if partition is None else f"{topic}, partition {partition}"
        )
    return [TopicPartition(topic, number) for number in wanted]


@asynccontextmanager
async def _connected(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    reader = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=int(LIMIT_S * 1000),
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            await reader.start()
        yield reader
    except (KafkaError, OSError) as error:
        raise StreamappError(Code.KAFKA_AWAY, f"{bootstrap}: {error!r}") from error
    finally:
        await reader.stop()
