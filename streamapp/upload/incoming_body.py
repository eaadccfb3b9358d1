"""A request's body as it comes, bounded in size, in silence and in slowness.

uvicorn itself has no watchdog on a body: a client that sends a byte now and then would hold its
place for ever. Only time spent waiting for the client counts against it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError
from streamapp.upload.pace import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is asked of a client while it sends.

    It may be silent for ``idle_s`` and must send ``bytes_per_s_min`` on average over every
    ``window_s`` of waiting for it.
    """

    idle_s: float = 60.0
    window_s: float = 60.0
    bytes_per_s_min: int = 1024


DEFAULT_WATCH = Watch()


async def pieces(
    request: Request, watch: Watch, *, bytes_max: int, overhead_bytes_max: int = 0
) -> AsyncIterator[bytes]:
    """The body of ``request``, piece by piece, none empty.

    Raises:
        StreamappError: ``ARCHIVE_TOO_LARGE`` for a body of more than ``bytes_max`` and the
            overhead of its form, before the first piece when its length says so;
            ``BODY_TOO_SLOW``; ``BODY_BROKEN`` when the client went away or fell silent.
    """
    allowed = bytes_max + overhead_bytes_max
    if int(request.headers.get("content-length", 0)) > allowed:
        raise too_large(bytes_max)
    pace = Pace(bytes_per_s_min=watch.bytes_per_s_min, window_s=watch.window_s)
    received, more = 0, True
    while more:
        began = time.monotonic()
        piece, more = await _next(request, watch.idle_s)
        pace.add(len(piece), time.monotonic() - began)
        received += len(piece)
        if received > allowed:
            raise too_large(bytes_max)
        if piece:
            yield piece


def too_large(bytes_max: int) -> StreamappError:
    """The refusal of a body beyond the limit."""
    return StreamappError(Code.ARCHIVE_TOO_LARGE, f"the limit is {bytes_max} bytes")


async def _next(request: Request, idle_s: float) -> tuple[bytes, bool]:
    """The next piece of the body, and whether more follows."""
    try:
        async with asyncio.timeout(idle_s):
            message = await request.receive()
    except TimeoutError:
        raise StreamappError(Code.BODY_BROKEN, f"nothing came for {idle_s:g} s") from None
    if message["type"] == "http.disconnect":
        raise StreamappError(Code.BODY_BROKEN, "the client went away")
    return message.get("body", b""), message.get("more_body", False)
