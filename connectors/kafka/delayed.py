"""Events that wait until they are due, read by a consumer of its own.

A partition is moved on in its order: as far as its events are due, and then it is paused until the
next one is. Nothing is held in memory meanwhile but the offsets. An event's offset is committed
when it was moved, so what dies with this process is moved again, here or elsewhere.

While Kafka is away it connects again and again; a rebalance of the group only begins anew.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from aiokafka import ConsumerRecord, TopicPartition

PAUSE_S = 1.0
"""From a failure to the next try, and the longest time without a look at the group."""

STOP_LIMIT_S = 2.0
"""For leaving the group at the end."""

EVENTS_MAX = 100
"""Of a poll."""

_log = logging.getLogger(__name__)


class Waiting(NamedTuple):
    """An event of a delayed topic."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: Mapping[str, bytes | None]


class Delayed:
    """The topics that match ``pattern``, shared by the members of ``group``."""

    def __init__(
        self,
        bootstrap: str,
        pattern: str,
        *,
        group: str,
        session_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._bootstrap = bootstrap
        self._pattern = pattern
        self._group = group
        self._session_timeout_s = session_timeout_s
        self._clock = clock

    async def follow(
        self, due_at: Callable[[Waiting], float], move: Callable[[Waiting], Awaitable[None]]
    ) -> None:
        """Call ``move`` with each event when it is due, until cancelled.

        Args:
            due_at: When an event is due, by the clock.
            move: Returns when what is to become of the event is durable.

        Raises:
            Exception: What ``due_at`` or ``move`` raises; Kafka's own failures never.
        """
        while True:
            try:
                async with self._connected() as consumer:
                    await self._follow(consumer, due_at, move)
            except (KafkaError, OSError) as error:
                _log.warning("Kafka at %s is away: %r", self._bootstrap, error)
            await asyncio.sleep(PAUSE_S)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._session_timeout_s * 1000),
            heartbeat_interval_ms=int(self._session_timeout_s * 1000 / 3),
            max_poll_records=EVENTS_MAX,
        )
        consumer.subscribe(pattern=self._pattern)
        limit_s = None  # one that is stopped by half stays in the group, and keeps its partitions
        try:
            await consumer.start()
            yield consumer
        except asyncio.CancelledError:
            limit_s = STOP_LIMIT_S  # this process ends, and with it whatever is left
            raise
        finally:
            try:
                await asyncio.wait_for(consumer.stop(), limit_s)
            except TimeoutError:  # Kafka hangs: the group learns by the session's timeout
                await consumer._client.close()  # noqa: SLF001 - nothing else closes only that

    async def _follow(
        self,
        consumer: AIOKafkaConsumer,
        due_at: Callable[[Waiting], float],
        move: Callable[[Waiting], Awaitable[None]],
    ) -> None:
        paused: dict[TopicPartition, float] = {}
        while True:
            fetched = await consumer.getmany(timeout_ms=int(1000 * self._pause_s(paused)))
            for tp, records in fetched.items():
                try:
                    # A partition that came back after a rebalance is no longer paused.
                    paused.pop(tp, None)
                    if (later := await self._move(consumer, tp, records, due_at, move)) is not None:
                        paused[tp] = later
                except (CommitFailedError, IllegalStateError) as error:
                    _log.info("%s was given away: %r", tp, error)
            for tp in [tp for tp, later in paused.items() if later <= self._clock()]:
                del paused[tp]
                if tp in consumer.assignment():
                    consumer.resume(tp)

    async def _move(
        self,
        consumer: AIOKafkaConsumer,
        tp: TopicPartition,
        records: Sequence[ConsumerRecord],
        due_at: Callable[[Waiting], float],
        move: Callable[[Waiting], Awaitable[None]],
    ) -> float | None:
        """Move what is due of a partition; when the first that is not will be."""
        for record in records:
            headers = dict(record.headers)
            waiting = Waiting(
                tp.topic, tp.partition, record.offset, record.key, record.value, headers
            )
            if (later := due_at(waiting)) > self._clock():
                consumer.seek(tp, record.offset)
                consumer.pause(tp)
                return later
            await move(waiting)
            await consumer.commit({tp: record.offset + 1})
        return None

    def _pause_s(self, paused: Mapping[TopicPartition, float]) -> float:
        first = min(paused.values(), default=self._clock() + PAUSE_S)
        return min(PAUSE_S, max(0.0, first - self._clock()))
