"""Every error as RFC 9457 problem details, without the particulars of the service's own faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from streamapp import errors
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

RETRY_AFTER_S = 5
UNAVAILABLE = 503

_ROUTING = {404: Code.ROUTE_UNKNOWN, 405: Code.METHOD_NOT_ALLOWED}


def problem(error: StreamappError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that failed with ``error``."""
    status = error.code.status
    return Response(
        msgspec.json.encode(errors.problem(error)),
        status,
        {**(headers or {}), **retry_after(status), "Cache-Control": "no-store"},
        errors.PROBLEM_TYPE,
    )


def retry_after(status: int) -> dict[str, str]:
    """The header that tells a client when to come back, for an answer of 503."""
    return {"Retry-After": str(RETRY_AFTER_S)} if status == UNAVAILABLE else {}


async def from_catalogue(_request: Request, error: Exception) -> Response:
    """Starlette's handler for `StreamappError`."""
    return problem(error if isinstance(error, StreamappError) else StreamappError(Code.INTERNAL))


async def from_routing(_request: Request, error: Exception) -> Response:
    """Starlette's handler for its own `HTTPException`: unknown address, wrong method."""
    if not isinstance(error, HTTPException):
        return problem(StreamappError(Code.INTERNAL))
    code = _ROUTING.get(error.status_code, Code.INTERNAL)
    return problem(StreamappError(code), error.headers)
