"""The uploader: its store, its producer, the workers it asks, and its Starlette app."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from connectors.kafka.producer import EventProducer
from connectors.workers.views import WorkerViews
from streamapp.errors import Code, StreamappError
from streamapp.events import encode
from streamapp.keys import LOAD_PATH, STATUS_PATH, TABLE_PATH, batch_key
from streamapp.progress import Answer, GroupLoad
from streamapp.upload.app import create_app
from streamapp.upload.assembly import assemble
from streamapp.upload.batch_ids import ENTROPY_BYTES, batch_id
from streamapp.upload.incoming_body import Watch
from streamapp.upload.reception import UploadLimits
from streamapp.upload.retention import Kept
from streamapp.wiring.batch_replays import BatchReplays
from streamapp.wiring.readiness import STORE_READ_TIMEOUT_S, UploaderReadiness
from streamapp.wiring.stores import object_store, record_store
from streamapp.wiring.values import limits, topics

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

    from streamapp.events import ArchiveStored, BatchCancelled, PriorityChanged
    from streamapp.progress import Status
    from streamapp.settings import Settings
    from streamapp.topics import Topics

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


class Publications:
    """`upload.interfaces.Publisher` over Kafka."""

    def __init__(self, producer: EventProducer, topics: Topics) -> None:
        self._producer = producer
        self._topics = topics

    async def publish(self, event: ArchiveStored) -> None:
        """Append the event to the topic of archives."""
        await self._producer.publish(self._topics.archives, batch_key(event.batch), encode(event))

    async def publish_log(self, event: BatchCancelled | PriorityChanged) -> None:
        """Append the event to the batch log."""
        await self._producer.publish(self._topics.batches, batch_key(event.batch), encode(event))


class OwnersProgress:
    """`upload.interfaces.ProgressSource` over the workers' views."""

    def __init__(self, workers: WorkerViews) -> None:
        self._workers = workers

    async def status(self, batch: str) -> Status | None:
        """The owner's answer."""
        body = await self._workers.ask(batch)
        return None if body is None else msgspec.json.decode(body, type=Answer).batch


class WorkersLoad:
    """`upload.interfaces.LoadSource` over the workers' views."""

    def __init__(self, workers: WorkerViews) -> None:
        self._workers = workers

    async def load(self) -> GroupLoad:
        """What the workers tell."""
        body = await self._workers.ask_group()
        if body is None:
            raise StreamappError(Code.PROGRESS_AWAY)
        return msgspec.json.decode(body, type=GroupLoad)


def uploader_app(settings: Settings) -> Starlette:
    """The uploader's ASGI app; it connects when it is started."""
    objects, records = object_store(settings), record_store(settings)
    producer = EventProducer(settings.kafka_bootstrap)
    workers = WorkerViews(settings.workers_url.split(","), path=STATUS_PATH)
    loads = WorkerViews(settings.workers_url.split(","), path=LOAD_PATH)
    table = WorkerViews(settings.workers_url.split(","), path=TABLE_PATH)
    readiness = UploaderReadiness(
        object_store(settings, read_timeout_s=STORE_READ_TIMEOUT_S),
        settings.kafka_bootstrap,
        topics(settings).specs(),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as open_until_the_end:
            open_until_the_end.push_async_callback(workers.close)
            open_until_the_end.push_async_callback(loads.close)
            open_until_the_end.push_async_callback(table.close)
            open_until_the_end.push_async_callback(producer.close)
            open_until_the_end.push_async_callback(records.close)
            await asyncio.gather(producer.start(), readiness.start())
            yield

    return create_app(
        objects=objects,
        records=records,
        publisher=Publications(producer, topics(settings)),
        progress=OwnersProgress(workers),
        load=WorkersLoad(loads),
        replays=BatchReplays(settings, objects, producer, table),
        readiness=readiness,
        limits=upload_limits(settings),
        clock=time.time,
        new_batch_id=lambda: batch_id(now_s=time.time(), entropy=os.urandom(ENTROPY_BYTES)),
        kept=kept(settings),
        janitor_interval_s=settings.janitor_interval_s,
        lifespan=lifespan,
    )


async def janitor_round(settings: Settings) -> Counter[str]:
    """One round of a janitor: how many of what were brought to an end.

    Raises:
        StreamappError: A service is away.
    """
    producer = EventProducer(settings.kafka_bootstrap)
    workers = WorkerViews(settings.workers_url.split(","), path=STATUS_PATH)
    async with AsyncExitStack() as open_until_the_end:
        open_until_the_end.push_async_callback(workers.close)
        open_until_the_end.push_async_callback(producer.close)
        return await assemble(
            objects=object_store(settings),
            publisher=Publications(producer, topics(settings)),
            progress=OwnersProgress(workers),
            limits=upload_limits(settings),
            kept=kept(settings),
            clock=time.time,
        ).janitor.round()


def upload_limits(settings: Settings) -> UploadLimits:
    """What an upload may be."""
    return UploadLimits(
        archive_bytes_max=settings.archive_bytes_max,
        archive=limits(settings),
        uploads_max=settings.uploads_max,
        images_max=settings.images_max,
        watchers_max=settings.watchers_max,
        resumable_expires_s=settings.upload_expires_hours * HOUR_S,
        project_archive_bytes_max=settings.project_archive_bytes_max,
        watch=Watch(idle_s=settings.client_idle_s, bytes_per_s_min=settings.client_bytes_per_s_min),
    )


def kept(settings: Settings) -> Kept:
    """How long archives and crops are kept."""
    return Kept(
        archives_s=settings.archive_retention_days * DAY_S,
        crops_s=settings.crop_retention_days * DAY_S,
    )
