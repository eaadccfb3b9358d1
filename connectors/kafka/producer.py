"""Events onto topics, one at a time, each acknowledged by all replicas before it counts.

The partition is Kafka's default for the key: ``(murmur2(key) & 0x7fffffff) % partitions``. The
connection is made when it is first needed and made anew after any failure, so an uploader comes
up although Kafka is away, and works again when Kafka is back. Every publish is bounded in time.

Kafka's idempotent mode is left off: aiokafka then never gives a message up (its issue 1101), so
one that was reported as failed would still be written when Kafka is back, and stopping would
never end. What it would prevent, an event written twice by a retry, every reader takes.
"""

from __future__ import annotations

import asyncio
import logging

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streamapp.errors import Code, StreamappError

LIMIT_S = 10.0

_log = logging.getLogger(__name__)


class EventProducer:
    """A producer for few and important events; safe to share between tasks of one loop."""

    def __init__(self, bootstrap: str, *, limit_s: float = LIMIT_S) -> None:
        """Connect to nothing yet.

        Args:
            bootstrap: Kafka brokers, ``host:port``, comma separated.
            limit_s: The longest a publish may take, connecting included, in seconds.
        """
        self._bootstrap = bootstrap
        self._limit_s = limit_s
        self._connecting = asyncio.Lock()
        self._client: AIOKafkaProducer | None = None
        self._retired: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect ahead of the first publish; when Kafka is away, that publish tries again."""
        try:
            async with asyncio.timeout(self._limit_s):
                await self._connected()
        except (KafkaError, OSError) as error:
            _log.warning("Kafka at %s is away: %r", self._bootstrap, error)

    async def publish(self, topic: str, key: bytes, value: bytes) -> None:
        """Return when the event is durable in ``topic``.

        After an error it may be there all the same, so repeating it may write it twice: readers
        of events take that (replay changes nothing).

        Raises:
            StreamappError: ``KAFKA_AWAY``, also when there is no such topic: a client cannot
                tell that from a broker that does not know it yet.
        """
        try:
            async with asyncio.timeout(self._limit_s):
                client = await self._connected()
                await client.send_and_wait(topic, value, key)
        except (KafkaError, OSError) as error:
            self._retire()
            raise StreamappError(Code.KAFKA_AWAY, f"{self._bootstrap}: {error!r}") from error

    async def close(self) -> None:
        """Let go of the connections."""
        self._retire()
        await asyncio.gather(*self._retired)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._client is None:
                client = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    request_timeout_ms=int(self._limit_s * 1000),
                )
                try:
                    await client.start()
                except BaseException:
                    await client.stop()
                    raise
                self._client = client
            return self._client

    def _retire(self) -> None:
        """Let the next publish make a new connection; this one's others end while it stops."""
        if self._client is not None:
            stopping = asyncio.create_task(self._client.stop())
            self._client = None
            self._retired.add(stopping)
            stopping.add_done_callback(self._retired.discard)
