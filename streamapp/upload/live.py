"""The addresses by which the progress of a batch is asked for, waited for and followed.

``GET /api/batch/status/{batch}`` has an ``ETag``, and is 304 for who knows it. With ``wait`` (in
seconds) the answer comes when the status is another one than what the client knows by
``If-None-Match``, or than it was when it asked; or when the time is over. While a batch's owner is
being replaced a client that waits goes on waiting; without ``wait`` it is told so (503).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.keys import STATUS_PATH
from streamapp.upload.event_stream import MEDIA_TYPE, EventStream
from streamapp.upload.operations import OF_BATCH, Answer, Operation, Parameter, described, json
from streamapp.upload.order import query_values
from streamapp.upload.presence import unless_gone
from streamapp.upload.sighting import known_tags, see

if TYPE_CHECKING:
    from starlette.requests import Request

    from streamapp.upload.sighting import Sighting
    from streamapp.upload.statuses import Statuses
    from streamapp.upload.watches import Watches

WAIT_S_MAX = 60
ANY = "*"
EVENT = {
    "type": "object",
    "description": "Of each event; `data` is JSON.",
    "properties": {
        "event": {"enum": ["progress", "end", "gone"]},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
}
STATUS = Operation(
    "How far a batch is",
    {
        200: json(progress.Answer, "By now, or after the wait.", ETag="By which to tell it."),
        304: Answer("It is as the client knows it.", headers={"ETag": "The same."}),
    },
    "With `wait` the answer comes when the status changes.",
    (
        Parameter(
            "wait",
            {"type": "integer", "minimum": 0, "maximum": WAIT_S_MAX, "default": 0},
            "Longest time to wait for news, in seconds.",
        ),
        Parameter("If-None-Match", {"type": "string"}, "An `ETag` that is known.", "header"),
    ),
    refusals=(*OF_BATCH, Code.FIELD_INVALID, Code.WATCHERS_BUSY, Code.UPLOADER_AWAY),
)
EVENTS = Operation(
    "Follow a batch",
    {
        200: Answer(
            "Server-Sent Events: `progress` and `end` with what the status answers, `gone`.",
            {MEDIA_TYPE: EVENT},
        ),
        204: Answer("The client knows the end: it need not come again."),
    },
    parameters=(
        Parameter("Last-Event-ID", {"type": "string"}, "What the client was told last.", "header"),
    ),
    refusals=(*OF_BATCH, Code.WATCHERS_BUSY, Code.UPLOADER_AWAY),
)


def live_routes(statuses: Statuses, watches: Watches) -> list[Route]:
    """Status, and events."""

    @described(GET=STATUS)
    async def status(request: Request) -> Response:
        batch = request.path_params["batch"]
        known = known_tags(request.headers.get("if-none-match", ""))
        wait_s = _wait_s(request)
        if not wait_s:
            return _answer(see(await statuses.ask(batch)), known)
        seen = await unless_gone(request.receive, _news(watches, batch, known, wait_s))
        return _answer(seen, known) if seen else Response()

    @described(GET=EVENTS)
    async def events(request: Request) -> Response:
        return EventStream(
            watches,
            request.path_params["batch"],
            known=request.headers.get("last-event-id", ""),
            only_head=request.method == "HEAD",
        )

    return [
        Route(f"{STATUS_PATH}/{{batch}}", status),
        Route("/api/batch/{batch}/events", events),
    ]


async def _news(watches: Watches, batch: str, known: frozenset[str], wait_s: int) -> Sighting:
    async with watches.watcher(batch, known) as watcher:
        try:
            async with asyncio.timeout(wait_s):
                seen = await watcher.next(known - {ANY})
                if known - {ANY}:
                    return seen
                return await watcher.next({seen.tag})
        except TimeoutError:
            return watcher.last()


def _wait_s(request: Request) -> int:
    text = query_values(request.scope["query_string"]).get("wait", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(WAIT_S_MAX))):
        raise _wait_invalid()
    if int(text) > WAIT_S_MAX:
        raise _wait_invalid()
    return int(text)


def _wait_invalid() -> StreamappError:
    return StreamappError(
        Code.FIELD_INVALID, f"wait must be a whole number of seconds from 0 to {WAIT_S_MAX}"
    )


def _answer(seen: Sighting, known: frozenset[str]) -> Response:
    headers = {"Cache-Control": "no-store", "ETag": seen.etag}
    if seen.tag in known or ANY in known:
        return Response(status_code=304, headers=headers)
    return Response(seen.body, 200, headers, "application/json")
