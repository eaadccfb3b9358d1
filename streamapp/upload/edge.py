"""The outermost layer: whatever happens inside ends in an answer that the client can read.

An exception that nobody expected is logged and answered as ``INTERNAL``. And when the answer is
ready before the client has sent its body (a refusal), closing at once would reset the connection
and lose the answer on its way; so the answer goes out first, a bounded rest of the body is read
and thrown away, and only then the connection is closed.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from streamapp.errors import Code, StreamappError
from streamapp.upload.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

DRAIN_BYTES_MAX = 256 * 1024 * 1024
DRAIN_S = 10.0

logger = logging.getLogger(__name__)


class Edge:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            if exchange.answered:
                raise
            logger.exception("%s %s failed", scope["method"], scope["path"])
            response = problem(StreamappError(Code.INTERNAL))
            await response(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        headers = Headers(scope=scope)
        self._unread = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        self.answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._unread = self._unread and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answered = True
            if self._unread:
                MutableHeaders(scope=message)["Connection"] = "close"
        elif self._unread and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _drain(self) -> None:
        drained = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while self._unread and drained < DRAIN_BYTES_MAX:
                    drained += len((await self.receive()).get("body", b""))
