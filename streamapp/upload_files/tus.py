"""The requests of a resumable upload: tus 1.0.0 (tus.io), as the uploader speaks it.

Of the address that the uploader gives an upload only the name counts: behind a proxy, the rest may
not be how we reach it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from streamapp.client import refusal
from streamapp.errors import Code, StreamappError
from streamapp.upload_files.body import STALL_S, Body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from streamapp.client import Client

PATH = "/api/batch/uploads"
REQUEST_BYTES = 64 << 20
"""Most that one request brings, ending at a multiple of it: a proxy may hold it back till then."""

_TUS = {"Tus-Resumable": "1.0.0"}
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class Order(NamedTuple):
    """What is asked of the uploader, apart from the bytes."""

    project: str
    priority: int
    external_id: str
    key: str
    repeats: str
    """The same in a repetition of the order, also where the key is not."""

    def digest(self, url: str, fingerprint: str) -> str:
        """Tells a repetition of the same order, for the same bytes, to the same uploader."""
        asked = self._replace(key="")
        return sha256("\0".join((url, fingerprint, *map(str, asked))).encode()).hexdigest()


class Standing(NamedTuple):
    """How an upload stands: bytes that are safe, bytes in all, and its batch."""

    offset: int
    length: int
    batch: str


class Uploads:
    """The resumable uploads of the uploader that ``client`` talks to.

    All calls raise `StreamappError`: as the uploader answered, ``UPLOADER_AWAY`` or
    ``NOT_THE_UPLOADER``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, order: Order, *, name: str, length: int) -> str:
        """Begin an upload of ``length`` bytes and return its name."""
        values = {
            "filename": name,
            "projectId": order.project,
            "priority": str(order.priority),
            "externalId": order.external_id,
        }
        headers = {
            **_TUS,
            "Upload-Length": str(length),
            "Upload-Metadata": _metadata(values),
            "Idempotency-Key": order.key,
        }
        async with self._client.answer("POST", PATH, headers=headers) as answer:
            if answer.status != HTTPStatus.CREATED:
                raise await refusal(answer)
            return _last_segment(answer.headers)

    async def stand(self, upload: str) -> Standing | None:
        """How the upload stands, None when the uploader knows it no more."""
        async with self._client.answer("HEAD", f"{PATH}/{upload}", headers=_TUS) as answer:
            # A proxy whose uploader is away may say 404 as well.
            if answer.status in _GONE and "Tus-Resumable" in answer.headers:
                return None
            if answer.status != HTTPStatus.OK:
                raise await refusal(answer)
            return Standing(
                _number(answer.headers, "Upload-Offset"),
                _number(answer.headers, "Upload-Length"),
                answer.headers.get("Streamapp-Batch-Id", ""),
            )

    async def send(
        self,
        upload: str,
        standing: Standing,
        pieces: Iterator[bytes],
        on_bytes: Callable[[int], None],
    ) -> None:
        """Send on from where the upload stands, at most to the next `REQUEST_BYTES`.

        Args:
            upload: Its name.
            standing: How it stands.
            pieces: The bytes from there on; what they raise passes.
            on_bytes: Hears of each piece that was taken off our hands.
        """
        size = min(
            standing.length - standing.offset, REQUEST_BYTES - standing.offset % REQUEST_BYTES
        )
        headers = {
            **_TUS,
            "Upload-Offset": str(standing.offset),
            "Content-Length": str(size),
            "Content-Type": "application/offset+octet-stream",
        }
        body = Body(pieces, size, on_bytes)
        try:
            async with (
                asyncio.timeout(STALL_S) as body.limit,
                self._client.answer(
                    "PATCH", f"{PATH}/{upload}", headers=headers, data=body
                ) as answer,
            ):
                if answer.status != HTTPStatus.NO_CONTENT:
                    raise await refusal(answer)
                offset = _number(answer.headers, "Upload-Offset")
        except TimeoutError:
            raise StreamappError(Code.UPLOADER_AWAY, "it takes nothing any more") from None
        except StreamappError:
            if body.fault:
                raise body.fault from None
            raise
        if offset <= standing.offset:
            raise StreamappError(Code.UPLOADER_AWAY, "it takes nothing")


def _metadata(values: Mapping[str, str]) -> str:
    return ",".join(
        f"{name} {b64encode(value.encode(errors='replace')).decode()}"
        for name, value in values.items()
        if value
    )


def _last_segment(headers: Mapping[str, str]) -> str:
    name = headers.get("Location", "").rpartition("/")[2]
    if not name:
        raise StreamappError(Code.NOT_THE_UPLOADER, "it gave the upload no address")
    return name


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not text.isdecimal():
        raise StreamappError(Code.NOT_THE_UPLOADER, f"no {name} in its answer")
    return int(text)
