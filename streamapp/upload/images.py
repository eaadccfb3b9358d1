"""The reception of photos that come without an archive: as files, or as objects of the store.

Files are packed into one ZIP on their way; of objects only a listing is written. An upload that
does not get to its end leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from streamapp import archive
from streamapp.errors import Code, StreamappError
from streamapp.upload import fields
from streamapp.upload.admission import Offer
from streamapp.upload.answers import read_json, texts
from streamapp.upload.form import OVERHEAD_BYTES_MAX, PARTS_MAX, parser_for, read_parts
from streamapp.upload.gathering import Gathering
from streamapp.upload.image_parts import ImageParts
from streamapp.upload.incoming_body import pieces
from streamapp.upload.order import idempotency_key, read_order
from streamapp.upload.packing import Packing
from streamapp.upload.selection import read_selection

if TYPE_CHECKING:
    from starlette.requests import Request

    from connectors.objects.interface import UploadStore
    from streamapp.archive import Judgement
    from streamapp.events import ArchiveStored
    from streamapp.upload.admission import Admission
    from streamapp.upload.arrivals import Arrival, Arrivals
    from streamapp.upload.order import Order
    from streamapp.upload.reception import UploadLimits

HEADERS_BYTES_MAX = 1024
"""Of a photo in a form, on average."""
SELECTION_BYTES_MAX = 4 * 1024 * 1024
"""Room for 10,000 keys of 400 bytes."""


class ImageReception:
    """Takes photos in; each way returns the event of the part that was published.

    Raises:
        StreamappError: Why they were refused; nothing of them remains.
    """

    def __init__(
        self,
        *,
        objects: UploadStore,
        arrivals: Arrivals,
        admission: Admission,
        limits: UploadLimits,
    ) -> None:
        self._objects = objects
        self._arrivals = arrivals
        self._admission = admission
        self._limits = limits

    async def take_form(self, request: Request) -> ArchiveStored:
        """A form with photos; its fields may come before, between or after them."""
        async with self._arrivals.arrival() as arrival:
            order = await self._pack(request, arrival)
            size = await arrival.size()
            if earlier := await self._admission.known(order, size):
                return earlier
            judgement = await asyncio.to_thread(self._judge, arrival.note.archive, size)
            return await self._admit(
                arrival, Offer(order, arrival.note.archive, size, "", "zip", judgement)
            )

    async def take_objects(self, request: Request) -> ArchiveStored:
        """JSON that names objects of the store, which stay where they are."""
        async with self._arrivals.arrival("listing") as arrival:
            values = await read_json(request, self._limits.watch, bytes_max=SELECTION_BYTES_MAX)
            order = read_order(texts(values), idempotency_key(request.headers))
            selection = read_selection(values, keys_max=self._limits.images_max)
            if earlier := await self._admission.known(order):
                return earlier
            gathering = Gathering(
                self._objects, arrival.incoming, objects_max=self._limits.archive.entries_max
            )
            judgement = await gathering.gather(selection)
            name = fields.file_name(", ".join(selection.prefixes))
            size = await arrival.size()
            return await self._admit(
                arrival, Offer(order, arrival.note.archive, size, name, "listing", judgement)
            )

    async def _pack(self, request: Request, arrival: Arrival) -> Order:
        """The order of the form whose photos are on their way into the store now."""
        limits = self._limits
        parser = parser_for(request, limits.images_max + PARTS_MAX)
        body = pieces(
            request,
            limits.watch,
            bytes_max=limits.archive_bytes_max,
            overhead_bytes_max=OVERHEAD_BYTES_MAX + limits.images_max * HEADERS_BYTES_MAX,
        )
        photo_bytes_max = min(
            limits.archive.photo_bytes_max, limits.archive.photo_compressed_bytes_max
        )
        with Packing(
            arrival.incoming,
            photos_max=limits.images_max,
            photo_bytes_max=photo_bytes_max,
            bytes_max=limits.archive_bytes_max,
        ) as packing:
            parts = ImageParts(packing)
            await read_parts(parser, body, parts.take)
            if not packing.photos:
                raise StreamappError(Code.FIELD_MISSING, "no photo came")
            order = read_order(parts.form.values, idempotency_key(request.headers))
            await packing.finish()
        return order

    def _judge(self, key: str, size: int) -> Judgement:
        read = partial(self._objects.read, key)
        return archive.judge(read, size, self._limits.archive, promised=True)

    async def _admit(self, arrival: Arrival, offer: Offer) -> ArchiveStored:
        part = await self._admission.admit(arrival.note, offer)
        arrival.admitted = True
        return part
