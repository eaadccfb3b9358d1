"""A worker that tallies and does nothing else, on a real Kafka and a real RocksDB."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streamapp import events, progress
from streamapp.keys import batch_key
from streamapp.stream import tally
from streamapp.stream.circuit import Circuit
from streamapp.stream.generations import WorkerApp
from streamapp.stream.turns import Turns

if TYPE_CHECKING:
    from streamapp.events import BatchLogEvent
    from streamapp.topics import Topics

SESSION_S = 6.0
HELD_S_MAX = 30.0
POLL_S = 0.005
PATIENCE_S = 600.0


class CutWorkerApp(WorkerApp):
    """Ends like one that is killed, except that its group need not wait for its session's end."""

    def finish_before_the_end(self, work: Callable[[], Awaitable[None]]) -> None:
        """Leave it unfinished."""


class TallyWorker:
    """The tally of a worker, with the product's own settings."""

    def __init__(self, bootstrap: str, topics: Topics, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.joined_at = 0.0
        self._app = CutWorkerApp(
            topics.app_id,
            bootstrap=bootstrap,
            folder=folder,
            partitions=topics.partitions,
            session_timeout_s=SESSION_S,
            web_enabled=False,
        )
        self._rows, self._ownership, _ = tally.register(
            self._app,
            topics=topics,
            kafka=Circuit("kafka", time.time),
            followers=Turns(window_photos=768, clock=time.monotonic),
            held_s_max=HELD_S_MAX,
            clock=time.monotonic,
        )
        self._topics = topics
        self._app.on_partitions_revoked.connect(self._joins, weak=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start; killed at the end."""
        await self._app.start()
        try:
            yield
        finally:
            await self._app.stop()

    async def _joins(self, *_args: object, **_options: object) -> None:
        self.joined_at = time.perf_counter()

    async def wait_until_told(self, batch: str, processed: int) -> None:
        """Return when the worker answers for the batch and so many photos are processed."""
        async with asyncio.timeout(PATIENCE_S):
            while self._told(batch_key(batch)) < processed:  # noqa: ASYNC110 - a process' state
                await asyncio.sleep(POLL_S)

    def _told(self, key: bytes) -> int:
        if not self._ownership.ready:
            return -1
        partition = self._app.consumer.key_partition(self._topics.batches, key)
        answers = partition is not None and self._ownership.answers_for(partition)
        row = self._rows.get(key) if answers else None
        return progress.decode(row).processed if row else -1


async def publish(bootstrap: str, topics: Topics, log: Iterable[BatchLogEvent]) -> None:
    """Append to the batch log."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5) as producer:
        for event in log:
            await producer.send(topics.batches, events.encode(event), key=batch_key(event.batch))


async def records_of(bootstrap: str, topic: str, partitions: int) -> int:
    """How many records a topic has."""
    tps = [TopicPartition(topic, number) for number in range(partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as client:
        return sum((await client.end_offsets(tps)).values())


def stored_bytes(kafka: Path, topic: str) -> int:
    """What a topic takes in Kafka's log: records with their keys and frames, as sent and kept."""
    return sum(file.stat().st_size for file in kafka.glob(f"**/{topic}-*/*.log"))
