"""A replay: the store, the workers that are asked, and the batch log."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from connectors.kafka.excerpt import keys_since
from connectors.kafka.producer import EventProducer
from connectors.workers.views import WorkerViews
from streamapp import progress
from streamapp.errors import StreamappError
from streamapp.events import encode
from streamapp.keys import TABLE_PATH, batch_key
from streamapp.replay import Candidates, Starts
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import limits, topics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.objects.interface import UploadStore
    from streamapp.events import RunStarted
    from streamapp.progress import Progress
    from streamapp.replay import BatchLog, ProgressTable
    from streamapp.settings import Settings


class OwnersTable:
    """`replay.ProgressTable` over the workers' views."""

    def __init__(self, workers: WorkerViews, addresses: str) -> None:
        self._workers = workers
        self._addresses = addresses

    async def row(self, batch: str) -> Progress | None:
        """The owner's row."""
        try:
            body = await self._workers.ask(batch)
        except StreamappError as error:
            raise StreamappError(error.code, f"asked WORKERS_URL {self._addresses}") from error
        return None if body is None else progress.decode(body)


class KafkaLog:
    """`replay.BatchLog` over Kafka."""

    def __init__(self, producer: EventProducer, bootstrap: str, topic: str) -> None:
        self._producer = producer
        self._bootstrap = bootstrap
        self._topic = topic

    async def publish(self, event: RunStarted) -> None:
        """Append the event."""
        await self._producer.publish(self._topic, batch_key(event.batch), encode(event))

    async def batches_since(self, offset: int, partition: int | None) -> AsyncIterator[str]:
        """The batches, by the events' keys."""
        async for key in keys_since(self._bootstrap, self._topic, offset, partition):
            yield key.decode()


class Replay(NamedTuple):
    """What a replay works with."""

    objects: UploadStore
    table: ProgressTable
    log: BatchLog
    candidates: Candidates
    starts: Starts


@asynccontextmanager
async def replay(settings: Settings) -> AsyncIterator[Replay]:
    """The tools of a replay; nothing connects before it is needed."""
    objects = object_store(settings)
    producer = EventProducer(settings.kafka_bootstrap)
    workers = WorkerViews(settings.workers_url.split(","), path=TABLE_PATH)
    async with AsyncExitStack() as open_until_the_end:
        open_until_the_end.push_async_callback(workers.close)
        open_until_the_end.push_async_callback(producer.close)
        table = OwnersTable(workers, settings.workers_url)
        log = KafkaLog(producer, settings.kafka_bootstrap, topics(settings).batches)
        yield Replay(
            objects=objects,
            table=table,
            log=log,
            candidates=Candidates(objects, table, limits(settings)),
            starts=Starts(objects, log, time.time),
        )
