"""The uploader's application, put together from what it is given; nothing connects here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from streamapp.errors import StreamappError
from streamapp.upload import problems
from streamapp.upload.edge import Edge
from streamapp.upload.reception import Reception, UploadLimits
from streamapp.upload.routes import routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Lifespan

    from connectors.objects.interface import ObjectStore
    from streamapp.upload.interfaces import ProgressSource, Publisher, Readiness


def create_app(
    *,
    objects: ObjectStore,
    publisher: Publisher,
    progress: ProgressSource,
    readiness: Readiness,
    limits: UploadLimits,
    clock: Callable[[], float],
    new_batch_id: Callable[[], str],
    lifespan: Lifespan[Starlette] | None = None,
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
    reception = Reception(
        objects=objects,
        publisher=publisher,
        limits=limits,
        clock=clock,
        new_batch_id=new_batch_id,
    )
    app = Starlette(
        routes=routes(reception, progress, readiness),
        middleware=[Middleware(Edge)],
        exception_handlers={
            StreamappError: problems.from_catalogue,
            HTTPException: problems.from_routing,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # one address for each thing; a POST is not redirected
    return app
