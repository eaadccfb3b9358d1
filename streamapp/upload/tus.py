"""Resumable uploads over HTTP: tus 1.0.0 (tus.io) under ``/api/batch/uploads``.

With the extensions creation, creation-with-upload, expiration, termination and checksum. The
fields of a batch come as ``Upload-Metadata`` (``filename``, ``projectId``, ``priority``,
``externalId``, ``batchId``) and every answer tells the batch in ``Streamapp-Batch-Id``. The address
of an upload is answered relative to that of its creation, so it holds behind any proxy.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from streamapp.errors import Code, StreamappError
from streamapp.upload import fields, tus_words
from streamapp.upload.checksum import ALGORITHMS, CHECKED_BYTES_MAX, read_checksum, verified
from streamapp.upload.incoming_body import pieces, too_large
from streamapp.upload.operations import described
from streamapp.upload.order import idempotency_key, read_order
from streamapp.upload.problems import problem
from streamapp.upload.standing import read_name
from streamapp.upload.tus_headers import metadata, upload_length, whole_number

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from starlette.requests import Request

    from streamapp.upload.incoming_body import Watch
    from streamapp.upload.resumable import ResumableUploads
    from streamapp.upload.standing import Standing

    Handlers = Mapping[str, Callable[[Request], Awaitable[Response]]]

PATH = "/api/batch/uploads"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
BATCH_HEADER = "Streamapp-Batch-Id"
BODY_TYPE = "application/offset+octet-stream"

_METHODS = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def tus_routes(uploads: ResumableUploads, watch: Watch, *, bytes_max: int) -> list[Route]:
    """The two addresses of the protocol, for uploads of at most ``bytes_max``."""
    tus = _Tus(uploads, watch, bytes_max)
    return [
        Route(PATH, tus.collection, methods=_METHODS),
        Route(f"{PATH}/{{name}}", tus.upload, methods=_METHODS),
    ]


class _Tus:
    def __init__(self, uploads: ResumableUploads, watch: Watch, bytes_max: int) -> None:
        self._uploads = uploads
        self._watch = watch
        self._bytes_max = bytes_max

    @described(**tus_words.COLLECTION)
    async def collection(self, request: Request) -> Response:
        return await self._answer(request, {"POST": self._create})

    @described(**tus_words.UPLOAD)
    async def upload(self, request: Request) -> Response:
        handlers = {"HEAD": self._tell, "PATCH": self._receive, "DELETE": self._end}
        return await self._answer(request, handlers)

    async def _answer(self, request: Request, handlers: Handlers) -> Response:
        method = request.headers.get("X-HTTP-Method-Override", request.method).upper()
        try:
            response = await self._handled(method, request, handlers)
        except StreamappError as error:
            response = problem(error, {"Tus-Version": VERSION, "Allow": ", ".join(handlers)})
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _handled(self, method: str, request: Request, handlers: Handlers) -> Response:
        if method == "OPTIONS":
            return self._capabilities()
        if method not in handlers:
            raise StreamappError(Code.METHOD_NOT_ALLOWED)
        if request.headers.get("Tus-Resumable") != VERSION:
            raise StreamappError(Code.TUS_VERSION)
        return await handlers[method](request)

    def _capabilities(self) -> Response:
        return _empty(
            {
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(self._bytes_max),
                "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
            }
        )

    async def _create(self, request: Request) -> Response:
        length = upload_length(request.headers.get("Upload-Length"))
        if length > self._bytes_max:
            raise too_large(self._bytes_max)
        told = request.headers.get("Upload-Metadata", "")
        values = metadata(told)
        standing = await self._uploads.create(
            read_order(values, idempotency_key(request.headers)),
            length=length,
            file=fields.file_name(values.get("filename")),
            metadata=told,
        )
        location = f"uploads/{standing.name}"
        if request.headers.get("Content-Type") == BODY_TYPE and standing.offset < length:
            standing = await self._uploads.receive(standing.name, 0, self._body(request))
        return _empty({"Location": location, **_headers(standing)}, 201)

    async def _tell(self, request: Request) -> Response:
        standing = await self._uploads.find(read_name(request.path_params["name"]))
        told = {"Upload-Length": str(standing.length), **_headers(standing)}
        if standing.metadata:
            told["Upload-Metadata"] = standing.metadata
        return _empty(told, 200)

    async def _receive(self, request: Request) -> Response:
        name = read_name(request.path_params["name"])
        if request.headers.get("Content-Type") != BODY_TYPE:
            raise StreamappError(Code.BODY_NOT_OFFSET)
        offset = whole_number("Upload-Offset", request.headers.get("Upload-Offset"))
        return _empty(_headers(await self._uploads.receive(name, offset, self._body(request))))

    async def _end(self, request: Request) -> Response:
        await self._uploads.end(read_name(request.path_params["name"]))
        return _empty({})

    def _body(self, request: Request) -> Callable[[int], AsyncIterator[bytes]]:
        header = request.headers.get("Upload-Checksum")
        if header is None:
            return lambda rest: pieces(request, self._watch, bytes_max=rest)
        checksum = read_checksum(header)

        return lambda rest: verified(
            pieces(request, self._watch, bytes_max=min(rest, CHECKED_BYTES_MAX)), checksum
        )


def _headers(standing: Standing) -> dict[str, str]:
    told = {"Upload-Offset": str(standing.offset), BATCH_HEADER: standing.name.batch}
    if standing.expires_at:
        told["Upload-Expires"] = formatdate(standing.expires_at, usegmt=True)
    return told


def _empty(headers: Mapping[str, str], status: int = 204) -> Response:
    return Response(status_code=status, headers=dict(headers))
