"""An upload that goes on after whatever cuts it, until it is a batch or patience ends.

After every cut the uploader is asked how many bytes are safe, and the rest is sent. Pauses grow
and are random, so that many clients do not come back at once. Patience counts from the last byte
that became safe. A kill costs nothing either: the upload's name is remembered, see `memory`.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

from streamapp.errors import Code, Fate, StreamappError

if TYPE_CHECKING:
    from streamapp.meter import Bar
    from streamapp.upload_files.memory import Memory
    from streamapp.upload_files.sources import Source
    from streamapp.upload_files.tus import Order, Standing, Uploads

PAUSE_S = 0.5
PAUSE_S_MAX = 30.0
ANEW_MAX = 3
"""How often an upload that the uploader forgot is begun anew."""

_PASSING = frozenset(
    {
        Code.UPLOAD_OFFSET,
        Code.UPLOAD_UNKNOWN,
        Code.UPLOAD_EXPIRED,
        Code.BODY_BROKEN,
        Code.BODY_TOO_SLOW,
    }
)
"""What an upload meets because of a cut, and what asking for its offset again mends."""


def passes(error: StreamappError) -> bool:
    """Whether it is worth asking again."""
    return error.fate is not Fate.REJECT or error.code in _PASSING


class Patience:
    """Pauses that grow until something moved, and an end when nothing did for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Something moved."""
        self._since = time.monotonic()
        self._pauses = 0

    async def pause(self, error: StreamappError) -> None:
        """Wait after ``error``, or raise it when nothing moved for too long."""
        waited_s = time.monotonic() - self._since
        if waited_s >= self._seconds:
            detail = f"nothing moved for {waited_s / 60:.0f} minutes; {error.detail}".rstrip("; ")
            raise StreamappError(error.code, detail) from error
        longest = min(PAUSE_S * 2**self._pauses, PAUSE_S_MAX, self._seconds - waited_s + PAUSE_S)
        self._pauses += 1
        await asyncio.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret


class Sending:
    """One source on its way to one uploader."""

    def __init__(
        self, uploads: Uploads, memory: Memory, bar: Bar, *, url: str, patience_s: float
    ) -> None:
        self._uploads = uploads
        self._memory = memory
        self._bar = bar
        self._url = url
        self._patience = Patience(patience_s)
        self._upload = ""
        self._begun = 0
        self._safe = -1

    async def send(self, source: Source, order: Order) -> str:
        """Upload ``source`` and return the id of its batch.

        Raises:
            StreamappError: as the uploader answered; ``UPLOADER_AWAY`` after all patience;
                ``FOLDER_UNUSABLE`` from the source.
        """
        request = order.digest(self._url, source.fingerprint)
        self._upload = self._memory.upload(request)
        while True:
            try:
                standing = await self._stand(source, order)
                self._memory.keep(request, self._upload)
                if standing.offset == standing.length:
                    self._memory.forget(request)
                    return standing.batch
                await self._send_on(source, standing)
            except StreamappError as error:
                if not passes(error):
                    self._memory.forget(request)
                    raise
                self._bar.note(f"trying again after {error.code.code}")
                await self._patience.pause(error)

    async def _stand(self, source: Source, order: Order) -> Standing:
        """How the upload stands, which is begun first when there is none."""
        standing = await self._uploads.stand(self._upload) if self._upload else None
        while standing is None:
            if self._begun > ANEW_MAX:
                raise StreamappError(Code.NOT_THE_UPLOADER, "it forgets its uploads")
            self._upload = await self._uploads.create(order, name=source.name, length=source.length)
            self._begun += 1
            self._safe = -1
            standing = await self._uploads.stand(self._upload)
        if standing.offset > self._safe:
            self._safe = standing.offset
            self._patience.renew()
        return standing

    async def _send_on(self, source: Source, standing: Standing) -> None:
        for _ in source.prepare(standing.offset):
            await asyncio.sleep(0)  # a signal is heard in between
        self._bar.note("")
        self._bar.show(standing.offset, source.length)
        pieces = source.pieces(standing.offset)
        await self._uploads.send(self._upload, standing, pieces, self._bar.advance)
