"""Asks the workers about a batch; whichever is asked passes the question on to the owner.

No answer of the owner (it is starting, recovering or being replaced) is ``PROGRESS_AWAY``, fate
*wait*, within a few seconds; never an old answer.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT = aiohttp.ClientTimeout(total=3, sock_connect=1)


class WorkerViews:
    """A view of the workers behind ``addresses`` (``http://host:port``), any of which will do."""

    def __init__(self, addresses: Sequence[str], *, path: str) -> None:
        self._urls = [f"{address.rstrip('/')}{path}" for address in addresses]
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, batch: str) -> bytes | None:
        """What the view at ``path`` says of the batch; None when its owner does not know it.

        Raises:
            StreamappError: ``PROGRESS_AWAY``.
        """
        return await self._first_answer(f"/{batch}")

    async def ask_group(self) -> bytes | None:
        """What the view at ``path`` says of them all; None when there is no such view.

        Raises:
            StreamappError: ``PROGRESS_AWAY``.
        """
        return await self._first_answer("")

    async def _first_answer(self, path: str) -> bytes | None:
        for url in list(self._urls):
            status, body = await self._get(f"{url}{path}")
            if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
                return body if status == HTTPStatus.OK else None
            # Whoever could not say is asked last from now on: it may hang, not only be gone.
            self._urls.remove(url)
            self._urls.append(url)
        raise StreamappError(Code.PROGRESS_AWAY)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def _get(self, url: str) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        try:
            async with self._session.get(url) as answer:
                return answer.status, await answer.read()
        except (TimeoutError, aiohttp.ClientError):
            return HTTPStatus.SERVICE_UNAVAILABLE, b""
