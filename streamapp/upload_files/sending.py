"""An upload that goes on after whatever cuts it, until it is a batch or patience ends.

After every cut the uploader is asked how many bytes are safe, and the rest is sent. Patience counts
from the last byte that became safe. A kill costs nothing either: the upload's name is remembered
(see `memory`), also when it is done, until the whole job is: so that doing the job again goes on.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamapp.errors import Code, Fate, StreamappError
from streamapp.upload_files.lines import duration
from streamapp.upload_files.patience import ADVICE, Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamapp.meter import Bar
    from streamapp.upload_files.memory import Memory
    from streamapp.upload_files.sources import Source
    from streamapp.upload_files.tus import Order, Standing, Uploads

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


class Sending:
    """One source on its way to one uploader."""

    def __init__(
        self,
        uploads: Uploads,
        memory: Memory,
        bar: Bar,
        say: Callable[[str], None],
        *,
        url: str,
        patience_s: float,
    ) -> None:
        self._uploads = uploads
        self._memory = memory
        self._bar = bar
        self._say = say
        self._url = url
        self._patience_s = patience_s
        self._patience = Patience(patience_s)
        self._upload = ""
        self._begun = 0
        self._safe = -1
        self._told = False

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
                    return standing.batch
                await self._send_on(source, standing)
            except StreamappError as error:
                if not passes(error):
                    self._memory.forget(request)
                    raise
                self._patience.check(error)
                self._tell(error)
                await self._patience.pause()

    def _tell(self, error: StreamappError) -> None:
        """Where nothing ever answered, a wrong address is likelier than a cut: said at once."""
        if self._told or self._safe >= 0 or error.code is not Code.UPLOADER_AWAY:
            self._bar.note(f"trying again after {error.code.code}")
            return
        self._told = True
        self._say(f"{error.detail}. {ADVICE} Trying again for {duration(self._patience_s)}")

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
