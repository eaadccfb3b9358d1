"""The progress of a batch as Server-Sent Events (WHATWG HTML, 9.2).

``progress`` for each change, of which a slow client gets the last one, and ``end`` when the batch
is as it stays; both with what the status answers. ``gone`` when the batch was removed. While the
owner of the batch is being replaced there is silence, with heartbeats. A client that comes again
with ``Last-Event-ID`` is not told that again; after the end, it is told to come no more (204).
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from streamapp import errors
from streamapp.errors import Code, StreamappError
from streamapp.upload.presence import unless_gone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

    from streamapp.upload.sighting import Sighting
    from streamapp.upload.watch import Watcher
    from streamapp.upload.watches import Watches

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
COME_AGAIN_MS = 2000
FIRST_S = 30.0
"""How long an owner that is away may keep a client from its first answer."""

SEND_S = 30.0
"""How long a client may not read."""

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Neither is kept by a proxy nor held back (nginx)."""


class EventStream(Response):
    """The events of a batch, until its end or its client's."""

    def __init__(self, watches: Watches, batch: str, *, known: str, only_head: bool) -> None:
        self._watches = watches
        self._batch = batch
        self._known = frozenset({known} if known else ())
        self._only_head = only_head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client.

        Raises:
            StreamappError: before anything was sent: ``BATCH_UNKNOWN``, ``PROGRESS_AWAY``,
                ``WATCHERS_BUSY``.
        """
        await unless_gone(receive, self._serve(scope, receive, send))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._watches.watcher(self._batch, self._known) as watcher:
            first = await _first(watcher)
            if first.status.settled and first.tag in self._known:
                await Response(status_code=204)(scope, receive, send)
            elif self._only_head:
                await Response(headers=HEADERS, media_type=MEDIA_TYPE)(scope, receive, send)
            else:
                await self._tell(watcher, send)

    async def _tell(self, watcher: Watcher, send: Send) -> None:
        start = Response(headers=HEADERS, media_type=MEDIA_TYPE)
        headers = [pair for pair in start.raw_headers if pair[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with suppress(TimeoutError):  # it does not read
            async with aclosing(_pieces(watcher, self._known)) as pieces:
                async for piece in pieces:
                    async with asyncio.timeout(SEND_S):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})


async def _first(watcher: Watcher) -> Sighting:
    try:
        async with asyncio.timeout(FIRST_S):
            return await watcher.next()
    except TimeoutError:
        return watcher.last()


async def _pieces(watcher: Watcher, known: frozenset[str]) -> AsyncGenerator[bytes, None]:
    yield b"retry: %d\n\n" % COME_AGAIN_MS
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                seen = await watcher.next(known)
        except TimeoutError:
            yield b": still here\n\n"
        except StreamappError as error:
            if error.code is Code.BATCH_UNKNOWN:
                yield event("gone", msgspec.json.encode(errors.problem(error)))
            return
        else:
            ended = seen.status.settled
            yield event("end" if ended else "progress", seen.body, seen.tag)
            if ended:
                return
            known = frozenset({seen.tag})


def event(name: str, data: bytes, tag: str = "") -> bytes:
    """An event in its wire form; ``data`` is of one line."""
    known_by = f"id: {tag}\n" if tag else ""
    return f"event: {name}\n{known_by}data: ".encode() + data + b"\n\n"
