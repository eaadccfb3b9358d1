"""The bytes of a resumable upload on their way into the parts of its object.

Whole parts are stored as they fill, one on its way while the next is filled; the rest is stored
when the request ends, however it ends, as an object of its own, the *tail*: the received
beginning of the part that comes next. So a killed uploader takes two parts at most with it, and a
cut connection nothing that was read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from connectors.objects.interface import PART_BYTES
from streamapp.errors import Code, StreamappError
from streamapp.keys import tail_key

if TYPE_CHECKING:
    from connectors.objects.interface import UploadStore
    from streamapp.upload.target import Stand, Target


class PartWriter:
    """Goes on with a target where it stands; `close` it whatever happens."""

    def __init__(self, objects: UploadStore, target: Target, at: Stand) -> None:
        self._objects = objects
        self._target = target
        self._whole = at.whole
        self._tail_of = at.whole + 1 if at.tail_bytes else 0
        self._tail_bytes = at.tail_bytes
        self._pieces: list[bytes] = []
        self._held = 0
        self._untouched = True
        self._sending: asyncio.Future[None] | None = None

    async def write(self, piece: bytes) -> None:
        """Take the next bytes; raises what the store raised for earlier ones."""
        if self._untouched:
            await self._load_tail()
        self._hold(piece)
        await self._send_parts()

    async def close(self) -> None:
        """Store what is held, as the tail; then all that was written is durable."""
        await self._send_parts()
        await self._sent()
        if self._held:
            key = tail_key(self._target.upload, self._whole + 1)
            data = b"".join(self._pieces)
            await asyncio.to_thread(self._objects.put, key, data, "application/octet-stream")

    async def _send_parts(self) -> None:
        """Send what is whole. An interrupted call leaves all bytes either held or on their way."""
        while self._held >= PART_BYTES or (self._held and self._ends()):
            await self._sent()
            data = b"".join(self._pieces)
            self._pieces, self._held = [], 0
            self._hold(data[PART_BYTES:])
            self._whole += 1
            put = asyncio.to_thread(self._put, self._whole, data[:PART_BYTES])
            self._sending = asyncio.ensure_future(put)

    def _ends(self) -> bool:
        return self._whole * PART_BYTES + self._held == self._target.length

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._held += len(piece)

    async def _load_tail(self) -> None:
        self._untouched = False
        if self._tail_of:
            key = tail_key(self._target.upload, self._tail_of)
            # Another replica may have stored a longer tail meanwhile: not more than was counted.
            tail = await asyncio.to_thread(self._objects.read, key, 0, self._tail_bytes)
            if len(tail) < self._tail_bytes:
                raise StreamappError(Code.UPLOAD_OFFSET, "it was moved back meanwhile")
            self._hold(tail)

    async def _sent(self) -> None:
        """Wait for the part on its way; whoever is interrupted here leaves it on its way."""
        if self._sending:
            await asyncio.shield(self._sending)

    def _put(self, number: int, data: bytes) -> None:
        self._objects.put_part(self._target.key, self._target.token, number, data)
        if number == self._tail_of:
            self._objects.delete(tail_key(self._target.upload, number))
