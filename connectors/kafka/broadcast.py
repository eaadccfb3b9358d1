"""A topic that every process reads wholly: from its beginning, in no group, and on from there.

For a topic of one partition with few and small events. While Kafka is away it connects again and
again, and goes on behind the last event it gave, so none is left out; where Kafka's own log was
replaced by a shorter one, it begins anew. What is in memory is bounded by one fetch.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PAUSE_S = 1.0
"""From a failure to the next try."""

_REQUEST_LIMIT_S = 10.0
_POLL_S = 1.0

_log = logging.getLogger(__name__)


class Broadcast:
    """One reading of a topic; it is `follow` that connects."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._place = TopicPartition(topic, 0)
        self._offset = 0

    async def follow(
        self, take: Callable[[bytes | None], None], *, caught_up: Callable[[], None]
    ) -> None:
        """Give ``take`` the value of every event, in order, until cancelled; None for none.

        ``caught_up`` is called each time that all is given that was there when it connected: the
        first time says that no event of before the start is missing any more.

        Raises:
            Exception: What ``take`` or ``caught_up`` raises; Kafka's own failures never.
        """
        while True:
            try:
                async with self._connected() as reader:
                    await self._read(reader, take, caught_up)
            except (KafkaError, OSError) as error:
                _log.warning("Kafka at %s is away: %r", self._bootstrap, error)
            await asyncio.sleep(PAUSE_S)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaConsumer]:
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            auto_offset_reset="earliest",
            request_timeout_ms=int(_REQUEST_LIMIT_S * 1000),
        )
        try:
            await reader.start()
            reader.assign([self._place])
            reader.seek(self._place, self._offset)
            yield reader
        finally:
            await reader.stop()

    async def _read(
        self,
        reader: AIOKafkaConsumer,
        take: Callable[[bytes | None], None],
        caught_up: Callable[[], None],
    ) -> None:
        end = (await reader.end_offsets([self._place]))[self._place]
        behind = True
        while True:
            if behind and self._offset >= end:
                behind = False
                caught_up()
            fetched = await reader.getmany(timeout_ms=int(_POLL_S * 1000))
            for event in fetched.get(self._place, ()):
                take(event.value)
            # Not the last event's: what compaction took away has offsets, too.
            self._offset = await reader.position(self._place)
