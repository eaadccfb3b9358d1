"""Arrivals: an upload from its first byte to its admission, of which a failure leaves nothing.

Each has a place (there are only so many), a note that is renewed while it lasts, and a new object
for what it brings.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs

from streamapp.errors import Code, StreamappError
from streamapp.keys import archive_key
from streamapp.upload.incoming import IncomingArchive
from streamapp.upload.notes import LEASE_S, Note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from connectors.objects.interface import UploadStore
    from streamapp.events import Kind
    from streamapp.upload.notes import Notes
    from streamapp.upload.settling import Settling

CLOSE_S = 5.0
"""What is not cleaned up by then is left to the janitor."""

CONTENT_TYPES: dict[Kind, str] = {"zip": "application/zip", "listing": "application/x-ndjson"}

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Arrival:
    """An upload under way: its note, and the object that it fills as it comes."""

    note: Note
    incoming: IncomingArchive
    renewal: Renewal
    admitted: bool = False

    async def size(self) -> int:
        """The size of the object in bytes, once it is there; from then on nothing is renewed."""
        size = await self.incoming.size()
        await self.renewal.end()
        return size


class Renewal:
    """Keeps a note good, a third of its lease at a time, until it is ended."""

    def __init__(self, notes: Notes, note: Note, clock: Callable[[], float]) -> None:
        self._notes = notes
        self._note = note
        self._clock = clock
        self._over = asyncio.Event()
        self._task = asyncio.create_task(self._renew())

    async def end(self) -> None:
        """Renew no more. A write under way ends first: a late one would bring back old words."""
        self._over.set()
        await asyncio.shield(self._task)

    async def _renew(self) -> None:
        while not await self._over_within(LEASE_S / 3):
            with suppress(StreamappError):
                expires_at = self._clock() + LEASE_S
                await self._notes.write(structs.replace(self._note, expires_at=expires_at))

    async def _over_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
        return self._over.is_set()


class Arrivals:
    """The places for uploads."""

    def __init__(
        self,
        *,
        objects: UploadStore,
        notes: Notes,
        settling: Settling,
        uploads_max: int,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._objects = objects
        self._notes = notes
        self._settling = settling
        self._uploads_max = uploads_max
        self._clock = clock
        self._new_id = new_id
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._threads = ThreadPoolExecutor(uploads_max, thread_name_prefix="store")

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for the time of an upload.

        Raises:
            StreamappError: ``UPLOADS_BUSY``.
        """
        if self._running >= self._uploads_max:
            raise StreamappError(Code.UPLOADS_BUSY)
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def close(self) -> None:
        """Wait until the uploads that were broken off have cleaned up behind them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._idle.wait()

    @asynccontextmanager
    async def arrival(self, kind: Kind = "zip") -> AsyncIterator[Arrival]:
        """An upload in a place of its own; nothing of it remains unless it was admitted."""
        async with self.place():
            note = self.new_note(kind=kind)
            await self._notes.write(note)
            arrival = Arrival(
                note,
                IncomingArchive(self._objects, note.archive, self._threads, CONTENT_TYPES[kind]),
                Renewal(self._notes, note, self._clock),
            )
            try:
                yield arrival
            finally:
                if not arrival.admitted:
                    await asyncio.shield(self._forget(arrival))

    @asynccontextmanager
    async def borrowing(self, archive: str) -> AsyncIterator[Note]:
        """The note of an upload that needs no bytes; nothing of it remains when it is refused."""
        note = self.new_note(archive)
        try:
            yield note
        except BaseException:
            await asyncio.shield(self._settle(note))
            raise

    def new_note(self, archive: str = "", kind: Kind = "zip") -> Note:
        """A note, not written yet, of an upload; ``archive`` is an object that is there already."""
        upload = self._new_id()
        return Note(
            upload=upload,
            archive=archive or archive_key(upload, kind),
            borrowed=bool(archive),
            expires_at=self._clock() + LEASE_S,
        )

    async def _forget(self, arrival: Arrival) -> None:
        await arrival.renewal.end()
        await arrival.incoming.abandon()
        await self._settle(arrival.note)

    async def _settle(self, note: Note) -> None:
        try:
            await self._settling.settle(note.upload)
        except StreamappError as error:
            _log.warning("upload %s is left to the janitor: %s", note.upload, error)
