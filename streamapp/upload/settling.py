"""The end of what an upload began and nobody works on any more: all of it counts, or nothing.

Whether it was taken in, the chain of the batch's manifests says. All of this may be done twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamapp.keys import tails_prefix

if TYPE_CHECKING:
    from connectors.objects.interface import UploadStore
    from streamapp.events import ArchiveStored
    from streamapp.upload.chain import Chain
    from streamapp.upload.interfaces import Publisher
    from streamapp.upload.notes import Note, Notes


class Settling:
    """Completes uploads or removes them."""

    def __init__(
        self, *, objects: UploadStore, chain: Chain, notes: Notes, publisher: Publisher
    ) -> None:
        self._objects = objects
        self._chain = chain
        self._notes = notes
        self._publisher = publisher

    async def settle(self, upload: str) -> ArchiveStored | None:
        """Bring to its end what an upload began that nobody works on: all of it, or nothing.

        The part's event is published when the part was taken in; else, and then the answer is
        None, everything of the upload is removed.
        """
        note = await self._notes.read(upload)
        if note is None:
            return None
        part = await self.complete(note)
        if part is None:
            await self.discard(note)
        return part

    async def complete(self, note: Note) -> ArchiveStored | None:
        """Publish the part of an upload when it was taken in; else do nothing."""
        part = await self._chain.find(note.batch, archive=note.archive) if note.batch else None
        if part is not None:
            await self._publisher.publish(part)
            await self._notes.remove(note.upload)
        return part

    async def discard(self, note: Note) -> None:
        """Remove everything of an upload, its note last."""
        if not note.borrowed:
            await asyncio.to_thread(self._objects.drop_parts, note.archive)
            await asyncio.to_thread(self._objects.delete, note.archive)
        if note.resumable:
            for key in await asyncio.to_thread(self._objects.keys, tails_prefix(note.upload)):
                await asyncio.to_thread(self._objects.delete, key)
        if note.mark:
            await asyncio.to_thread(self._objects.delete, note.mark)
        await self._notes.remove(note.upload)
