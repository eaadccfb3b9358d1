"""Answers that go out piece by piece: ranges, what a client knows already, and safe headers.

What goes wrong before the first piece is answered as any error is. Afterwards the connection is
cut, so that no client takes a part for the whole; one that stops reading is cut off, too.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from starlette.datastructures import Headers
    from starlette.types import Receive, Scope, Send

IDLE_S = 60.0
"""How long a client may take no byte of a piece."""

_BODY = "http.response.body"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PLAIN = re.compile(r"[^A-Za-z0-9._ ()-]")

INERT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}
"""Nothing that came out of an archive is run or guessed at by a browser, nor kept by a proxy.

``no-cache``: a browser keeps it, and asks whether it still is what it was.
"""


class Span(NamedTuple):
    """Bytes ``start`` to ``end`` of ``length``; ``partial`` when the client asked for them."""

    start: int
    end: int
    length: int
    partial: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What tells of it."""
        told = {"Accept-Ranges": "bytes", "Content-Length": str(self.end - self.start)}
        if self.partial:
            told["Content-Range"] = f"bytes {self.start}-{self.end - 1}/{self.length}"
        return told

    def cut(self, at: int, data: bytes) -> bytes:
        """What of ``data``, which begins at byte ``at``, lies within."""
        return data[max(0, self.start - at) : max(0, self.end - at)]


class Streamed(StreamingResponse):
    """``pieces`` one after the other; ``on_end`` is called when they went out, or will not."""

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        *,
        media_type: str,
        headers: Mapping[str, str],
        status: int = 200,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(pieces, status, headers, media_type)
        self._pieces = pieces
        self.on_end = on_end
        self._with_body = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; of HEAD the headers only."""
        self._with_body = scope["method"] != "HEAD"
        try:
            async with aclosing(self._pieces):
                await super().__call__(scope, receive, send)
        finally:
            self.on_end()

    async def stream_response(self, send: Send) -> None:
        """Send the pieces, each within `IDLE_S`."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        if self._with_body:
            async for piece in self._pieces:
                async with asyncio.timeout(IDLE_S):
                    await send({"type": _BODY, "body": piece, "more_body": True})
        await send({"type": _BODY, "body": b"", "more_body": False})


class Gate:
    """At most ``most`` at once; the next one is told to come back."""

    def __init__(self, most: int) -> None:
        self._free = most

    def enter(self) -> None:
        """Take a place; ``DOWNLOADS_BUSY`` when there is none."""
        if not self._free:
            raise StreamappError(Code.DOWNLOADS_BUSY)
        self._free -= 1

    def leave(self) -> None:
        """Give the place back."""
        self._free += 1


async def begun(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same pieces, when the first one is there: what it raises is raised here."""
    first = await anext(pieces, b"")

    async def all_of_them() -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return all_of_them()


def is_known(headers: Headers, etag: str) -> bool:
    """Whether the client has what it asks for (RFC 9110, 13.1.2)."""
    known = headers.get("if-none-match", "")
    return known.strip() == "*" or etag in (
        each.strip().removeprefix("W/") for each in known.split(",")
    )


def not_modified(etag: str) -> Response:
    """The answer to such a client."""
    return Response(status_code=304, headers={**INERT, "ETag": etag})


def span(headers: Headers, etag: str, length: int) -> Span:
    """The bytes that the client asks for: all of them, or one range (RFC 9110, 14.2).

    All of them, too, when it asks for a part of something that is another by now, or for several
    parts at once.

    Raises:
        StreamappError: ``RANGE_INVALID``.
    """
    whole = Span(0, length, length)
    asked = _RANGE.fullmatch(headers.get("range", "").strip())
    if not asked or not any(asked.groups()) or headers.get("if-range", etag) != etag:
        return whole
    first, last = asked.groups()
    start = int(first) if first else max(0, length - int(last))
    end = min(length, int(last) + 1) if first and last else length
    if start >= end:
        raise StreamappError(Code.RANGE_INVALID, f"there are {length} bytes")
    return Span(start, end, length, partial=True)


def disposition(kind: str, name: str) -> str:
    """``Content-Disposition`` of a file that is called ``name``, whatever that is (RFC 6266)."""
    plain = _PLAIN.sub("_", name)
    whole = quote(name.encode("utf-8", "replace"), safe="")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{whole}"
