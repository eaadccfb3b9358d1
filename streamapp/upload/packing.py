"""Photos packed into one ZIP as they come: one object in the store for a request, not one each.

Stored, not deflated. The ZIP cannot be gone back in, so that each photo's size and CRC follow it
in a data descriptor. Held in memory: the names for the directory, and a piece at a time.
"""

from __future__ import annotations

import zipfile
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, cast

from streamapp.errors import Code, StreamappError
from streamapp.upload.entry_names import EntryNames
from streamapp.upload.incoming_body import too_large

if TYPE_CHECKING:
    from streamapp.upload.parts import FileSink


class Packing(AbstractContextManager["Packing"]):
    """Packs photos one after the other: `begin`, `write`…, `end`; at last `finish`."""

    def __init__(
        self, sink: FileSink, *, photos_max: int, photo_bytes_max: int, bytes_max: int
    ) -> None:
        self.photos = 0
        self._sink = sink
        self._photos_max = photos_max
        self._photo_bytes_max = photo_bytes_max
        self._bytes_max = bytes_max
        self._outbox = _Outbox()
        self._zip64 = photo_bytes_max > zipfile.ZIP64_LIMIT
        self._archive = zipfile.ZipFile(cast("IO[bytes]", self._outbox), "w")
        self._names = EntryNames()
        self._photo: IO[bytes] | None = None
        self._photo_bytes = self._bytes = 0

    def begin(self, name: str) -> None:
        """A photo begins; ``name`` may be anything.

        Raises:
            StreamappError: ``ARCHIVE_TOO_MANY_ENTRIES``.
        """
        if self.photos == self._photos_max:
            raise StreamappError(
                Code.ARCHIVE_TOO_MANY_ENTRIES, f"the limit is {self._photos_max} in a request"
            )
        self.photos += 1
        self._photo_bytes = 0
        entry = zipfile.ZipInfo(self._names.next(name))
        self._photo = self._archive.open(entry, "w", force_zip64=self._zip64)

    async def write(self, chunk: bytes) -> None:
        """The next bytes of the photo.

        Raises:
            StreamappError: ``PHOTO_TOO_LARGE``, ``ARCHIVE_TOO_LARGE`` for all together, and what
                the sink raises.
        """
        self._photo_bytes += len(chunk)
        self._bytes += len(chunk)
        if self._bytes > self._bytes_max:
            raise too_large(self._bytes_max)
        if self._photo_bytes > self._photo_bytes_max:
            raise StreamappError(
                Code.PHOTO_TOO_LARGE,
                f"photo {self.photos}: the limit is {self._photo_bytes_max} bytes",
            )
        if self._photo:
            self._photo.write(chunk)
        await self._send()

    async def end(self) -> None:
        """The photo is complete."""
        if self._photo:
            self._photo.close()
        await self._send()

    async def finish(self) -> None:
        """All photos are there: the directory follows, and with it the end."""
        self._archive.close()
        await self._send()
        self._sink.end()

    def __exit__(self, *_: object) -> None:
        """Close what is open, so that nothing of it is closed whenever memory is cleaned up."""
        if self._photo:
            self._photo.close()
        self._archive.close()

    async def _send(self) -> None:
        if data := self._outbox.take():
            await self._sink.write(data)


class _Outbox:
    """What the ZIP wrote and nobody took yet; without a place to seek, as `zipfile` finds out."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def take(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
