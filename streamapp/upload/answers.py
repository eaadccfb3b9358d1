"""JSON in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from streamapp.errors import Code, StreamappError
from streamapp.upload.incoming_body import pieces
from streamapp.upload.problems import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from streamapp.events import ArchiveStored
    from streamapp.upload.incoming_body import Watch

JSON_BYTES_MAX = 1024 * 1024
TEXT_FIELDS = ("projectId", "priority", "externalId", "batchId", "webhookUrl", "key")


def json_answer(content: Any, status: int = 200) -> Response:
    """``content`` as JSON."""
    headers = {"Cache-Control": "no-store", **retry_after(status)}
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def taken(part: ArchiveStored) -> Response:
    """The answer to whoever brought photos; ``imageCount`` is of what this request brought."""
    return json_answer(
        {
            "success": True,
            "batchId": part.batch,
            "imageCount": part.photos,
            "queued": part.photos,
        }
    )


async def read_json(
    request: Request, watch: Watch, *, bytes_max: int = JSON_BYTES_MAX
) -> dict[str, Any]:
    """The object that is the request's body.

    Raises:
        StreamappError: ``BODY_NOT_JSON``, and what `pieces` raises.
    """
    body = b"".join([piece async for piece in pieces(request, watch, bytes_max=bytes_max)])
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise StreamappError(Code.BODY_NOT_JSON, str(error)) from None


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """The fields among the members, as a form would bring them; null is as good as missing.

    Raises:
        StreamappError: ``FIELD_INVALID``, for one that is neither text nor a whole number.
    """
    found = {name: values[name] for name in TEXT_FIELDS if values.get(name) is not None}
    for name, value in found.items():
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise StreamappError(Code.FIELD_INVALID, f"{name} must be text or a whole number")
    return {name: str(value) for name, value in found.items()}
