"""The addresses: upload, status, live, ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.keys import STATUS_PATH
from streamapp.upload.batch_ids import is_batch_id
from streamapp.upload.problems import UNAVAILABLE, retry_after

if TYPE_CHECKING:
    from starlette.requests import Request

    from streamapp.upload.interfaces import ProgressSource, Readiness
    from streamapp.upload.reception import Reception


def routes(reception: Reception, source: ProgressSource, readiness: Readiness) -> list[Route]:
    """The routes over what they need."""

    async def upload(request: Request) -> Response:
        event = await reception.take(request)
        return _json(
            {
                "success": True,
                "batchId": event.batch,
                "imageCount": event.photos,
                "queued": event.photos,
            }
        )

    async def status(request: Request) -> Response:
        batch = request.path_params["batch"]
        if not is_batch_id(batch):
            raise StreamappError(Code.BATCH_UNKNOWN)
        known = await source.status(batch) or await _queued(reception, batch)
        return _json(progress.Answer(batch=known))

    async def live(_request: Request) -> Response:
        return _json({"success": True})

    async def ready(_request: Request) -> Response:
        services = await readiness()
        fine = all(answer == "ok" for answer in services.values())
        return _json({"success": fine, "services": services}, 200 if fine else UNAVAILABLE)

    return [
        Route("/api/batch/upload-zip", upload, methods=["POST"]),
        Route(f"{STATUS_PATH}/{{batch}}", status),
        Route("/live", live),
        Route("/ready", ready),
    ]


async def _queued(reception: Reception, batch: str) -> progress.Status:
    """The status of a batch that no worker has opened yet: its manifest answers."""
    event = await reception.manifest(batch)
    if event is None:
        raise StreamappError(Code.BATCH_UNKNOWN)
    return progress.queued(batch, event.photos)


def _json(content: Any, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", **retry_after(status)}
    return Response(msgspec.json.encode(content), status, headers, "application/json")
