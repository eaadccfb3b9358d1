"""The uploader's application, put together from what it is given; nothing connects here."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from streamapp.errors import StreamappError
from streamapp.upload import problems
from streamapp.upload.admission import Admission
from streamapp.upload.arrivals import Arrivals
from streamapp.upload.chain import Chain
from streamapp.upload.edge import Edge
from streamapp.upload.images import ImageReception
from streamapp.upload.notes import Notes
from streamapp.upload.reception import Reception, UploadLimits
from streamapp.upload.routes import archive_routes, image_routes, state_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from connectors.objects.interface import UploadStore
    from streamapp.upload.interfaces import ProgressSource, Publisher, Readiness


def create_app(
    *,
    objects: UploadStore,
    publisher: Publisher,
    progress: ProgressSource,
    readiness: Readiness,
    limits: UploadLimits,
    clock: Callable[[], float],
    new_batch_id: Callable[[], str],
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None,
) -> Starlette:
    """The application, for any ASGI server and under any root path.

    Args:
        objects: Where archives and manifests go.
        publisher: Where `ArchiveStored` goes.
        progress: Who answers for the batches.
        readiness: Asked by ``/ready``.
        limits: What an upload may be.
        clock: Unix seconds.
        new_batch_id: A new id for each call, as of `batch_ids.batch_id`.
        lifespan: Opens and closes what was given here.
    """
    notes, chain = Notes(objects), Chain(objects)
    admission = Admission(
        objects=objects,
        chain=chain,
        notes=notes,
        publisher=publisher,
        progress=progress,
        limits=limits.archive,
        clock=clock,
    )
    arrivals = Arrivals(
        objects=objects,
        notes=notes,
        admission=admission,
        uploads_max=limits.uploads_max,
        clock=clock,
        new_id=new_batch_id,
    )
    reception = Reception(objects=objects, arrivals=arrivals, admission=admission, limits=limits)
    images = ImageReception(objects=objects, arrivals=arrivals, admission=admission, limits=limits)

    @asynccontextmanager
    async def whole_life(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(app) if lifespan else nullcontext():
            yield
            await arrivals.close()

    app = Starlette(
        routes=[
            *archive_routes(reception, limits.watch),
            *image_routes(images),
            *state_routes(chain, progress, readiness),
        ],
        middleware=[Middleware(Edge)],
        exception_handlers={
            StreamappError: problems.from_catalogue,
            HTTPException: problems.from_routing,
        },
        lifespan=whole_life,
    )
    app.router.redirect_slashes = False  # one address for each thing; a POST is not redirected
    return app
