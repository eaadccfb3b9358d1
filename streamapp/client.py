"""A client of the uploader's API, for the command line."""

from __future__ import annotations

from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import msgspec

from streamapp.errors import Code, StreamappError
from streamapp.keys import STATUS_PATH
from streamapp.progress import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PIECE_BYTES = 1024 * 1024


class Client:
    """Talks to the uploader at ``url``; an async context manager."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open a pool of connections."""
        # An upload takes as long as it takes; a connection that is silent is given up.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300)
        self._session = aiohttp.ClientSession(timeout=timeout)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Close them."""
        await self._opened().close()

    async def upload_zip(
        self, path: Path, *, project: str, priority: int, on_bytes: Callable[[int], None]
    ) -> str:
        """Upload an archive and return the batch's id; ``on_bytes`` hears of each piece sent.

        Raises:
            StreamappError: as the uploader answered, or ``UPLOADER_AWAY``.
        """
        form = aiohttp.FormData()
        form.add_field("projectId", project)
        form.add_field("priority", str(priority))
        form.add_field(
            "file", _pieces(path, on_bytes), filename=path.name, content_type="application/zip"
        )
        async with self._answer("POST", "/api/batch/upload-zip", data=form) as content:
            return str(content["batchId"])

    async def status(self, batch: str) -> Status:
        """How far a batch is.

        Raises:
            StreamappError: as the uploader answered, or ``UPLOADER_AWAY``; what waits passes.
        """
        async with self._answer("GET", f"{STATUS_PATH}/{batch}") as content:
            return msgspec.convert(content["batch"], Status)

    @asynccontextmanager
    async def _answer(self, method: str, path: str, **body: Any) -> AsyncIterator[dict[str, Any]]:
        try:
            async with self._opened().request(method, f"{self._url}{path}", **body) as answer:
                yield await _content(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StreamappError(Code.UPLOADER_AWAY, str(error) or repr(error)) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            msg = "the client is used outside its context"
            raise RuntimeError(msg)
        return self._session


async def _pieces(path: Path, on_bytes: Callable[[int], None]) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
            on_bytes(len(piece))


async def _content(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.json.decode(await answer.read())
    if answer.status == HTTPStatus.OK:
        return content
    name = str(content.get("code", "")).upper()
    code = Code[name] if name in Code.__members__ else Code.INTERNAL
    detail = str(content.get("detail") or "")
    raise StreamappError(code, "" if detail == code.sentence else detail)
