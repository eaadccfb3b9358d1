"""An archive on its way from the client into the object store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamapp.upload.body import Pipe

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from connectors.objects.interface import UploadStore


class IncomingArchive:
    """A `parts.FileSink` that streams into one object.

    The store is not touched before the first byte has come. The object appears only when the
    archive is complete; `abandon` makes the store drop an unfinished one.
    """

    def __init__(
        self, objects: UploadStore, key: str, threads: Executor, content_type: str
    ) -> None:
        self._objects = objects
        self._key = key
        self._threads = threads
        self._content_type = content_type
        self._pipe = Pipe()
        self._put: asyncio.Future[int] | None = None

    @property
    def started(self) -> bool:
        """Whether the store was touched."""
        return self._put is not None

    async def write(self, chunk: bytes) -> None:
        """Pass the next bytes on; raises what the store raised when it has given up."""
        put = self._start()
        if not await self._pipe.write(chunk):
            await asyncio.shield(put)

    def end(self) -> None:
        """The archive is complete; the store finishes while the rest of the form is read."""
        self._start()
        self._pipe.end()

    async def size(self) -> int:
        """The size in bytes of the stored object, once it is there; raises what the store does."""
        return await asyncio.shield(self._start())

    async def abandon(self) -> None:
        """Stop the put and wait until it is over, whatever came of it."""
        self._pipe.abandon()
        if self._put:
            await asyncio.wait({self._put})
            self._put.exception()

    def _start(self) -> asyncio.Future[int]:
        if self._put is None:
            loop = asyncio.get_running_loop()
            self._put = loop.run_in_executor(
                self._threads, self._objects.put_stream, self._key, self._pipe, self._content_type
            )
            self._put.add_done_callback(lambda _: self._pipe.close())
        return self._put
