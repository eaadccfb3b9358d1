"""The addresses: ZIPs in, photos in, live, ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from streamapp.upload import intake_words
from streamapp.upload.answers import json_answer, read_json, taken, texts
from streamapp.upload.operations import Operation, described, json
from streamapp.upload.order import idempotency_key
from streamapp.upload.problems import UNAVAILABLE

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from streamapp.upload.images import ImageReception
    from streamapp.upload.incoming_body import Watch
    from streamapp.upload.interfaces import Readiness
    from streamapp.upload.reception import Reception


class Alive(msgspec.Struct, frozen=True):
    """The uploader runs."""

    success: bool


class Services(msgspec.Struct, frozen=True):
    """Each service with ``ok``, or with what is the matter."""

    success: bool
    services: dict[str, str]


LIVE = Operation("Whether the uploader runs", {200: json(Alive, "It does.")})
READY = Operation(
    "Whether an upload would be taken",
    {
        200: json(Services, "It would."),
        503: json(Services, "`services` says why not.", Retry_After="Seconds."),
    },
)
JSON_TYPE = "application/json"


def archive_routes(reception: Reception, watch: Watch) -> list[Route]:
    """The ways in for ZIPs."""

    @described(POST=intake_words.ZIP_AS_FORM)
    async def upload_zip(request: Request) -> Response:
        return taken(await reception.take_form(request))

    @described(PUT=intake_words.ZIP_AS_BODY)
    async def put_archive(request: Request) -> Response:
        return taken(await reception.take_body(request, request.path_params["name"]))

    @described(POST=intake_words.ZIP_OF_STORE)
    async def import_archive(request: Request) -> Response:
        values = texts(await read_json(request, watch))
        return taken(await reception.take_object(values, idempotency_key(request.headers)))

    return [
        Route("/api/batch/upload-zip", upload_zip, methods=["POST"]),
        Route("/api/batch/archives/{name}", put_archive, methods=["PUT"]),
        Route("/api/batch/import", import_archive, methods=["POST"]),
    ]


def image_routes(images: ImageReception) -> list[Route]:
    """The way in for photos without an archive: files in a form, or JSON that names objects."""

    @described(POST=intake_words.IMAGES)
    async def add_images(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind.lower() == JSON_TYPE:
            return taken(await images.take_objects(request))
        return taken(await images.take_form(request))

    return [Route("/api/batch/add-images", add_images, methods=["POST"])]


def state_routes(readiness: Readiness) -> list[Route]:
    """What is asked about the uploader."""

    @described(GET=LIVE)
    async def live(_request: Request) -> Response:
        return json_answer({"success": True})

    @described(GET=READY)
    async def ready(_request: Request) -> Response:
        services = await readiness()
        fine = all(answer == "ok" for answer in services.values())
        return json_answer({"success": fine, "services": services}, 200 if fine else UNAVAILABLE)

    return [Route("/live", live), Route("/ready", ready)]
