"""Resumable uploads: an archive that comes in several requests, to whichever uploader.

All that is known of one lies in the object store: its note, the whole parts of its object, and the
tail of the next. So a restart forgets nothing and another replica goes on. When the last byte is
there the parts become the object and the object is admitted; whoever dies in between leaves that
to the next request, which does it again without harm. A refused archive leaves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from msgspec import structs

from streamapp.errors import Code, Fate, StreamappError
from streamapp.keys import upload_of
from streamapp.upload.admission import Offer
from streamapp.upload.notes import Resumable
from streamapp.upload.part_writer import PartWriter
from streamapp.upload.standing import Name, Standing, Unfinished, complete, completed
from streamapp.upload.target import NOTHING, gone, join, stand
from streamapp.upload.turns import Turn, Turns

if TYPE_CHECKING:
    from connectors.objects.interface import UploadStore
    from streamapp.upload.admission import Admission
    from streamapp.upload.arrivals import Arrivals
    from streamapp.upload.chain import Chain
    from streamapp.upload.notes import Notes
    from streamapp.upload.order import Order
    from streamapp.upload.settling import Settling

LIFE_S = 23 * 3600.0
"""How long an upload may take unless set: MinIO itself drops unfinished objects after 24 hours."""

Body = Callable[[int], AsyncIterator[bytes]]
"""The bytes that a request brings; more than the given number are refused."""


class ResumableUploads:
    """The resumable uploads of all replicas."""

    def __init__(
        self,
        *,
        objects: UploadStore,
        notes: Notes,
        chain: Chain,
        arrivals: Arrivals,
        admission: Admission,
        settling: Settling,
        life_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._objects = objects
        self._notes = notes
        self._chain = chain
        self._arrivals = arrivals
        self._admission = admission
        self._settling = settling
        self._life_s = life_s
        self._clock = clock
        self._turns = Turns()

    async def create(self, order: Order, *, length: int, file: str, metadata: str) -> Standing:
        """Begin an upload; one whose request was taken in before is complete at once.

        Raises:
            StreamappError: what `Admission.known` raises.
        """
        if earlier := await self._admission.known(order, length):
            upload = upload_of(earlier.archive) if order.batch else earlier.batch
            return complete(Name(upload, earlier.batch), earlier, metadata)
        note = structs.replace(self._arrivals.new_note(), expires_at=self._clock() + self._life_s)
        await self._notes.write(note)
        begin = self._objects.begin_parts
        token = await asyncio.to_thread(begin, note.archive, "application/zip")
        state = Resumable(token=token, length=length, order=order, name=file, metadata=metadata)
        await self._notes.write(structs.replace(note, resumable=state))
        return Unfinished(note, state, NOTHING).standing()

    async def find(self, name: Name) -> Standing:
        """How far the upload is; one whose bytes are all there is admitted first.

        Raises:
            StreamappError: ``UPLOAD_UNKNOWN``; ``UPLOAD_EXPIRED``; why it was refused.
        """
        async with self._turns.turn(name.upload):
            found = await self._open(name)
            return found if isinstance(found, Standing) else await self._settled(found)

    async def receive(self, name: Name, offset: int, body: Body) -> Standing:
        """Store what ``body`` brings behind ``offset``, as far as it comes.

        Raises:
            StreamappError: ``UPLOAD_OFFSET`` when the upload stands elsewhere; ``UPLOAD_LOCKED``
                when a newer request took it over; ``UPLOADS_BUSY``; what ``body`` and `find` raise.
        """
        async with self._turns.turn(name.upload) as turn:
            found = await self._open(name)
            if offset != found.offset:
                raise StreamappError(Code.UPLOAD_OFFSET, f"it is {found.offset}")
            if isinstance(found, Standing):
                return found
            async with self._arrivals.place():
                await self._take(turn, found, body)
                at = await stand(self._objects, found.target)
                return await self._settled(found._replace(at=at))

    async def end(self, name: Name) -> None:
        """Remove the upload and all that came of it; ``UPLOAD_UNKNOWN`` when it is complete."""
        async with self._turns.turn(name.upload):
            found = await self._open(name)
            if isinstance(found, Standing) or await self._settling.settle(name.upload):
                raise StreamappError(Code.UPLOAD_UNKNOWN)

    async def _open(self, name: Name) -> Standing | Unfinished:
        note = await self._notes.read(name.upload)
        if note is None or note.resumable is None:
            return await completed(self._chain, name)
        if not note.batch and note.expires_at <= self._clock():
            raise StreamappError(Code.UPLOAD_EXPIRED)
        found = Unfinished(note, note.resumable, NOTHING)
        return found._replace(at=await stand(self._objects, found.target))

    async def _take(self, turn: Turn, found: Unfinished, body: Body) -> None:
        writer = PartWriter(self._objects, found.target, found.at)
        try:
            async with turn.interruptible():
                async for piece in body(found.state.length - found.offset):
                    await writer.write(piece)
        except StreamappError as error:
            raise gone(error) from error  # it was ended meanwhile, by another replica
        finally:
            await asyncio.shield(writer.close())

    async def _settled(self, found: Unfinished) -> Standing:
        if found.offset < found.state.length:
            return found.standing()
        await join(self._objects, found.target)
        note, state = found.note, found.state
        offer = Offer(state.order, note.archive, state.length, state.name)
        try:
            part = await self._admission.admit(note, offer)
        except StreamappError as error:
            if error.fate is Fate.REJECT:
                await self._settling.settle(note.upload)
            raise
        return complete(found.name, part, state.metadata)
