"""A receiver of webhooks: a real HTTP server that keeps what it is sent."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web
from standardwebhooks import Webhook

from tests.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Message(NamedTuple):
    headers: Mapping[str, str]
    body: bytes

    @property
    def verified(self) -> dict[str, Any]:
        """The content, when the standard's own library accepts it."""
        content: dict[str, Any] = Webhook(SECRET).verify(self.body, dict(self.headers))
        return content


@dataclass
class Receiver:
    """Answers 200, or first each of ``answers``."""

    messages: list[Message] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    hangs: bool = False
    endless: bool = False
    hung_up: bool = False
    connections: int = 0
    port: int = 0
    url: str = ""

    @asynccontextmanager
    async def serving(self, *, tls: bool = False, port: int = 0) -> AsyncIterator[Receiver]:
        server = web.Server(self._take)
        make_protocol = server.__call__

        def counted() -> asyncio.Protocol:
            self.connections += 1
            return make_protocol()

        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with self_signed() as (certificate, key):
                context.load_cert_chain(certificate, key)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(counted, "127.0.0.1", port, ssl=context)
        self.port = listener.sockets[0].getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/hook?token=1"
        try:
            yield self
        finally:
            listener.close()
            await server.shutdown(0.1)

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        self.messages.append(Message(dict(request.headers), await request.read()))
        if self.hangs:
            await asyncio.sleep(3600)
        if self.endless:
            return await self._answer_for_ever(request)
        return self.answers.pop(0) if self.answers else web.Response(text="thank you")

    async def _answer_for_ever(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(b"x" * 65_536)
        except ConnectionError:
            self.hung_up = True
        return answer
