"""The uploader's application, put together from what it is given; nothing connects here."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from streamapp.errors import StreamappError
from streamapp.upload import problems
from streamapp.upload.again import again_routes
from streamapp.upload.arrivals import Arrivals
from streamapp.upload.assembly import assemble
from streamapp.upload.control import control_routes
from streamapp.upload.docs import docs_routes
from streamapp.upload.downloads import Library, download_routes
from streamapp.upload.edge import Edge
from streamapp.upload.images import ImageReception
from streamapp.upload.live import live_routes
from streamapp.upload.originals import Originals
from streamapp.upload.queue_stats import QueueStats, queue_stats_routes
from streamapp.upload.reading import Batches, reading_routes
from streamapp.upload.reception import Reception, UploadLimits
from streamapp.upload.resumable import ResumableUploads
from streamapp.upload.retention import FOR_EVER
from streamapp.upload.routes import archive_routes, image_routes, state_routes
from streamapp.upload.rows import Rows
from streamapp.upload.statuses import Statuses
from streamapp.upload.tus import tus_routes
from streamapp.upload.watches import Watches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.routing import Route

    from connectors.objects.interface import UploadStore
    from connectors.records.interface import RecordStore
    from streamapp.upload.assembly import Assembly
    from streamapp.upload.interfaces import (
        LoadSource,
        ProgressSource,
        Publisher,
        Readiness,
        Replays,
    )
    from streamapp.upload.retention import Kept


def create_app(
    *,
    objects: UploadStore,
    records: RecordStore,
    publisher: Publisher,
    progress: ProgressSource,
    load: LoadSource,
    replays: Replays,
    readiness: Readiness,
    limits: UploadLimits,
    clock: Callable[[], float],
    new_batch_id: Callable[[], str],
    kept: Kept = FOR_EVER,
    janitor_interval_s: float = 60.0,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None,
) -> Starlette:
    """The application, for any ASGI server and under any root path.

    Args:
        objects: Where archives and manifests go.
        records: The rows of the batches.
        publisher: Where `ArchiveStored` goes.
        progress: Who answers for the batches.
        load: Who tells what the workers have to do.
        replays: Who has batches done again.
        readiness: Asked by ``/ready``.
        limits: What an upload may be.
        clock: Unix seconds.
        new_batch_id: A new id for each call, as of `batch_ids.batch_id`.
        kept: How long archives and crops are kept.
        janitor_interval_s: Seconds between two rounds of the janitor.
        lifespan: Opens and closes what was given here.
    """
    parts = assemble(
        objects=objects,
        publisher=publisher,
        progress=progress,
        limits=limits,
        kept=kept,
        clock=clock,
    )
    arrivals = Arrivals(
        objects=objects,
        notes=parts.notes,
        settling=parts.settling,
        uploads_max=limits.uploads_max,
        clock=clock,
        new_id=new_batch_id,
    )

    statuses = Statuses(parts.chain, progress)
    rows = Rows(records, parts.chain)
    watches = Watches(statuses.ask, limits.watchers_max)

    @asynccontextmanager
    async def whole_life(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(app) if lifespan else nullcontext():
            janitor_at_work = asyncio.create_task(parts.janitor.run(janitor_interval_s))
            yield
            janitor_at_work.cancel()
            await asyncio.wait({janitor_at_work})
            await arrivals.close()

    app = Starlette(
        routes=[
            *_ways_in(objects, arrivals, parts, limits, clock),
            *download_routes(Library(objects, rows, Originals(objects, limits.archive))),
            *control_routes(parts.chain, progress, publisher, limits.watch, clock),
            *again_routes(replays, limits.watch),
            *live_routes(statuses, watches),
            *queue_stats_routes(QueueStats(load, time.monotonic)),
            *state_routes(readiness),
            *reading_routes(Batches(rows, parts.chain, statuses.ask, clock), rows),
            *docs_routes(),
        ],
        middleware=[Middleware(Edge)],
        exception_handlers={
            StreamappError: problems.from_catalogue,
            HTTPException: problems.from_routing,
        },
        lifespan=whole_life,
    )
    app.state.watches = watches
    app.router.redirect_slashes = False  # one address for each thing; a POST is not redirected
    return app


def _ways_in(
    objects: UploadStore,
    arrivals: Arrivals,
    parts: Assembly,
    limits: UploadLimits,
    clock: Callable[[], float],
) -> list[Route]:
    """The addresses that take photos."""
    uploads = ResumableUploads(
        objects=objects,
        notes=parts.notes,
        chain=parts.chain,
        arrivals=arrivals,
        admission=parts.admission,
        settling=parts.settling,
        life_s=limits.resumable_expires_s,
        clock=clock,
    )
    admission = parts.admission
    reception = Reception(objects=objects, arrivals=arrivals, admission=admission, limits=limits)
    images = ImageReception(objects=objects, arrivals=arrivals, admission=admission, limits=limits)
    return [
        *archive_routes(reception, limits.watch),
        *image_routes(images),
        *tus_routes(uploads, limits.watch, bytes_max=limits.archive_bytes_max),
    ]
