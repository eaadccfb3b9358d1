"""A client as it should be: it repeats what was not answered, with the same ``Idempotency-Key``.

Every call goes on until it is answered for good; what is refused, or not taken in for minutes, is
an error of the seed.
"""

from __future__ import annotations

import time
from base64 import b64encode
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE_S = 240.0
PAUSE_S = 0.7
CHUNK_BYTES = 1 << 18
TUS = {"Tus-Resumable": "1.0.0"}
_PASSING = frozenset({408, 423, 429})
_GONE = frozenset({404, 410})


class RefusedError(Exception):
    """The product refused what it should have taken, or took nothing in for minutes."""


class Client:
    """Talks to the uploaders, first of all to the first of ``urls``; a context manager."""

    def __init__(self, urls: list[str]) -> None:
        self._urls = urls
        self._http = httpx.Client(timeout=httpx.Timeout(20, connect=3), trust_env=False)

    def __enter__(self) -> Self:
        """Nothing connects yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the connections."""
        self._http.close()

    def send_form(self, key: str, fields: Mapping[str, str], archive: bytes) -> str:
        """A ZIP in a form; returns the batch's id, as all of these do."""
        files = {"file": ("photos.zip", archive, "application/zip")}
        return self._batch("POST", "/api/batch/upload-zip", key=key, data=dict(fields), files=files)

    def put(self, key: str, fields: Mapping[str, str], archive: bytes) -> str:
        """A ZIP as the body."""
        return self._batch(
            "PUT", "/api/batch/archives/photos.zip", key=key, params=dict(fields), content=archive
        )

    def add_images(self, key: str, fields: Mapping[str, str], images: Mapping[str, bytes]) -> str:
        """Photos in a form, in this order."""
        files = [("images", (name, content, "image/jpeg")) for name, content in images.items()]
        return self._batch("POST", "/api/batch/add-images", key=key, data=dict(fields), files=files)

    def tus(self, key: str, fields: Mapping[str, str], archive: bytes) -> str:
        """A ZIP by tus, in pieces; one that was given up begins anew."""
        told = ",".join(f"{name} {b64encode(v.encode()).decode()}" for name, v in fields.items())
        creation = {**TUS, "Upload-Length": str(len(archive)), "Upload-Metadata": told}
        while True:
            made = self.call("POST", "/api/batch/uploads", key=key, headers=creation)
            path = httpx.URL(urljoin(str(made.request.url), made.headers["Location"])).path
            if self._fill(path, archive):
                return str(made.headers["Streamapp-Batch-Id"])

    def cancel(self, batch: str) -> None:
        """Cancel a batch; one that has ended meanwhile is left as it is."""
        self.call("POST", f"/api/batch/{batch}/cancel", fine={409})

    def change_priority(self, batch: str, priority: int) -> None:
        """Give a batch another priority; one that has ended meanwhile is left as it is."""
        self.call("POST", f"/api/batch/{batch}/priority", fine={409}, json={"priority": priority})

    def call(
        self,
        method: str,
        path: str,
        *,
        key: str = "",
        fine: set[int] | None = None,
        headers: Mapping[str, str] | None = None,
        **content: object,
    ) -> httpx.Response:
        """The answer for good: a success, or one of the codes in ``fine``.

        Raises:
            RefusedError: any other.
        """
        sent = {**(headers or {}), **({"Idempotency-Key": key} if key else {})}
        said = "no answer"
        for url in self._tries():
            try:
                answer = self._http.request(method, url + path, headers=sent, **content)  # type: ignore[arg-type] # httpx's own names
            except httpx.TransportError as error:
                said = repr(error)
                continue
            if answer.is_success or answer.status_code in (fine or ()):
                return answer
            said = f"{answer.status_code} {answer.text}"
            if answer.status_code < 500 and answer.status_code not in _PASSING:
                break
        raise RefusedError(f"{method} {path}: {said}")

    def _batch(self, method: str, path: str, *, key: str, **content: object) -> str:
        return str(self.call(method, path, key=key, **content).json()["batchId"])  # type: ignore[arg-type] # as above

    def _fill(self, path: str, archive: bytes) -> bool:
        """Send the pieces of an upload; False when it is there no more."""
        kind = {"Content-Type": "application/offset+octet-stream"}
        while True:
            told = self.call("HEAD", path, headers=TUS, fine=set(_GONE))
            if told.status_code in _GONE:
                return False
            offset = int(told.headers["Upload-Offset"])
            if offset >= len(archive):
                return True
            piece = archive[offset : offset + CHUNK_BYTES]
            headers = {**TUS, **kind, "Upload-Offset": str(offset)}
            with suppress(httpx.TransportError):  # how far it came is asked for
                self._http.patch(self._urls[0] + path, headers=headers, content=piece)
            self._urls.append(self._urls.pop(0))

    def _tries(self) -> Iterator[str]:
        deadline = time.monotonic() + PATIENCE_S
        # Twice the same before the other: most of what fails is over soon.
        for url in cycle([url for url in self._urls for _ in range(2)]):
            yield url
            if time.monotonic() > deadline:
                return
            time.sleep(PAUSE_S)
