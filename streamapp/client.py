"""A client of the uploader's API, for the command line."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import msgspec

from streamapp.errors import Code, StreamappError
from streamapp.keys import STATUS_PATH
from streamapp.progress import Status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

PIECE_BYTES = 1024 * 1024
SHORT = aiohttp.ClientTimeout(total=60, sock_connect=10)
"""For answers that are made at once."""

_PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.LOCKED,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_ADDRESS_WRONG = frozenset({Code.ROUTE_UNKNOWN, Code.METHOD_NOT_ALLOWED})


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
        async with self.answer("POST", "/api/batch/upload-zip", data=form) as answer:
            return str((await _content(answer))["batchId"])

    async def status(self, batch: str) -> Status:
        """How far a batch is.

        Raises:
            StreamappError: as the uploader answered, or ``UPLOADER_AWAY``; what waits passes.
        """
        content = await self.ask("GET", f"{STATUS_PATH}/{batch}")
        return msgspec.convert(content["batch"], Status)

    async def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The members of a short answer.

        Raises:
            StreamappError: as the uploader answered, or ``UPLOADER_AWAY``.
        """
        async with self.answer(method, path, timeout=SHORT, **options) as answer:
            return await _content(answer)

    async def pieces(self, path: str) -> AsyncGenerator[bytes, None]:
        """A long answer as it comes; to its end, or it raises.

        Raises:
            StreamappError: as the uploader answered, or ``UPLOADER_AWAY``.
        """
        async with self.answer("GET", path) as answer:
            if answer.status != HTTPStatus.OK:
                raise await refusal(answer)
            async for piece in answer.content.iter_chunked(PIECE_BYTES):
                yield piece

    @asynccontextmanager
    async def answer(
        self, method: str, path: str, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """What the uploader answers, whatever it is; `refusal` says what it means.

        Raises:
            StreamappError: ``UPLOADER_AWAY``.
        """
        try:
            async with self._opened().request(
                method, f"{self._url}{path}", allow_redirects=False, **options
            ) as answer:
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StreamappError(Code.UPLOADER_AWAY, f"{self._url}: {_reason(error)}") from error

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


async def refusal(answer: aiohttp.ClientResponse) -> StreamappError:
    """The error that an answer tells; a proxy's, or another server's, in words of our own."""
    try:
        content = msgspec.json.decode(await answer.read(), type=dict[str, Any])
        code = Code[str(content["code"]).upper()]
    except (msgspec.MsgspecError, KeyError):
        away = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _PASSING
        code = Code.UPLOADER_AWAY if away else Code.NOT_THE_UPLOADER
        return StreamappError(code, _told(answer))
    if code in _ADDRESS_WRONG:
        return StreamappError(code, f"{answer.method} {answer.url}")
    detail = str(content.get("detail") or "")
    return StreamappError(code, "" if detail == code.sentence else detail)


def _reason(error: Exception) -> str:
    """Why there is no answer, in a few words: ``connection refused``."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return getattr(error, "strerror", None) or str(error) or "no answer in time"


def _told(answer: aiohttp.ClientResponse) -> str:
    target = answer.headers.get("Location")
    return f"{answer.url} answers {answer.status}{f' and points to {target}' if target else ''}"


async def _content(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    if answer.status != HTTPStatus.OK:
        raise await refusal(answer)
    try:
        return msgspec.json.decode(await answer.read(), type=dict[str, Any])
    except msgspec.MsgspecError:
        raise StreamappError(Code.NOT_THE_UPLOADER, _told(answer)) from None
