"""Notes of the uploads under way, one object each: what a crash left behind is found by its note.

A note is written before anything else of an upload and removed after everything else. Whoever is
at work renews it; one that was not renewed until ``expires_at`` is the janitor's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from streamapp.errors import Code, StreamappError
from streamapp.keys import note_key
from streamapp.upload.order import Order  # noqa: TC001 - msgspec reads it when it decodes

if TYPE_CHECKING:
    from connectors.objects.interface import UploadStore

LEASE_S = 900.0
"""How long a note of an upload under way is good without being renewed."""

NOTE_BYTES_MAX = 16 * 1024


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An upload under way.

    ``archive`` is the object it makes, or, when ``borrowed``, one that was there before and is not
    to be removed. ``batch`` is set before its manifest can be written: from then on the batch may
    have been taken in, and the chain of its manifests tells; from ``due_at`` on the janitor asks
    it, and publishes what was. ``mark`` is the key of the object that counts the archive for its
    project's quota. ``resumable`` is what only a resumable upload has. Times are Unix seconds.
    """

    upload: str
    archive: str
    expires_at: float
    batch: str = ""
    due_at: float = 0.0
    borrowed: bool = False
    mark: str = ""
    resumable: Resumable | None = None


class Resumable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a resumable upload is to become: ``length`` bytes, in parts under ``token``."""

    token: str
    length: int
    order: Order
    name: str = ""
    metadata: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Note).decode


class Notes:
    """The notes in the object store."""

    def __init__(self, objects: UploadStore) -> None:
        self._objects = objects

    async def write(self, note: Note) -> None:
        """Write the note, in the place of an earlier one of the same upload."""
        key = note_key(note.upload)
        await asyncio.to_thread(self._objects.put, key, _encode(note), "application/json")

    async def read(self, upload: str) -> Note | None:
        """The note of an upload, None when none is under way by that id."""
        try:
            data = await asyncio.to_thread(self._objects.read, note_key(upload), 0, NOTE_BYTES_MAX)
        except StreamappError as error:
            if error.code is Code.OBJECT_MISSING:
                return None
            raise
        return _decode(data)

    async def remove(self, upload: str) -> None:
        """Remove the note; it may be gone already."""
        await asyncio.to_thread(self._objects.delete, note_key(upload))
