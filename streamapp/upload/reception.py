"""The reception of ZIPs: in a form, as a body, or already in the store.

An upload that does not get to its end leaves nothing behind: no archive, no manifest, no event.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError
from streamapp.keys import OWN_PREFIXES
from streamapp.upload import fields
from streamapp.upload.admission import Offer
from streamapp.upload.form import read_form
from streamapp.upload.incoming_body import DEFAULT_WATCH, Watch, pieces, too_large
from streamapp.upload.order import Order, idempotency_key, query_values, read_order
from streamapp.upload.resumable import LIFE_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from connectors.objects.interface import UploadStore
    from streamapp import archive
    from streamapp.events import ArchiveStored
    from streamapp.upload.admission import Admission
    from streamapp.upload.arrivals import Arrival, Arrivals


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What an upload may be, and how many may run at once (each holds about 50 MiB).

    ``images_max``: the photos that one request brings or names, not in an archive.
    ``watchers_max``: the clients that wait for news of batches.
    ``resumable_expires_s``: how long a resumable upload may take, in seconds.
    ``project_archive_bytes_max``: the quota of a project, 0 for none.
    ``webhooks``: whether a batch may name somebody who is told of its end.
    """

    archive_bytes_max: int
    archive: archive.Limits
    uploads_max: int = 8
    images_max: int = 10_000
    watchers_max: int = 1000
    resumable_expires_s: float = LIFE_S
    project_archive_bytes_max: int = 0
    webhooks: bool = False
    watch: Watch = DEFAULT_WATCH


class Reception:
    """Takes ZIPs in; each way returns the event of the part that was published.

    Raises:
        StreamappError: Why it was refused; nothing of it remains.
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
        """A form with the ZIP in ``file``; its fields may come before or after it."""
        async with self._arrivals.arrival() as arrival:
            form = await read_form(
                request,
                arrival.incoming,
                self._limits.watch,
                file_bytes_max=self._limits.archive_bytes_max,
            )
            order = form.order(idempotency_key(request.headers))
            return await self._taken_in(arrival, order, form.file_name)

    async def take_body(self, request: Request, name: str) -> ArchiveStored:
        """The ZIP as the body; the fields are in the address: ``?projectId=…&priority=…``."""
        order = read_order(
            query_values(request.scope["query_string"]), idempotency_key(request.headers)
        )
        told = int(request.headers.get("content-length", 0))
        if told and (earlier := await self._admission.known(order, told)):
            return earlier
        async with self._arrivals.arrival() as arrival:
            bytes_max = self._limits.archive_bytes_max
            async for piece in pieces(request, self._limits.watch, bytes_max=bytes_max):
                await arrival.incoming.write(piece)
            arrival.incoming.end()
            return await self._taken_in(arrival, order, fields.file_name(name))

    async def take_object(self, values: Mapping[str, str], request_key: str) -> ArchiveStored:
        """A ZIP that lies in the store under ``values["key"]``; nothing is copied."""
        order = read_order(values, request_key)
        if "key" not in values:
            raise StreamappError(Code.FIELD_MISSING, "key")
        key = importable(values["key"])
        if earlier := await self._admission.known(order):
            if earlier.archive != key:
                raise StreamappError(Code.KEY_REUSED, f"it imported {earlier.archive}")
            return earlier
        async with self._arrivals.place():
            size = await asyncio.to_thread(self._objects.size, key)
            if size > self._limits.archive_bytes_max:
                raise too_large(self._limits.archive_bytes_max)
            name = fields.file_name(key.rpartition("/")[2])
            async with self._arrivals.borrowing(key) as note:
                return await self._admission.admit(note, Offer(order, key, size, name))

    async def _taken_in(self, arrival: Arrival, order: Order, name: str) -> ArchiveStored:
        size = await arrival.size()
        if earlier := await self._admission.known(order, size):
            return earlier
        offer = Offer(order, arrival.note.archive, size, name)
        part = await self._admission.admit(arrival.note, offer)
        arrival.admitted = True
        return part


def importable(key: str) -> str:
    """``key`` itself, when its object may be imported; ``KEY_FORBIDDEN`` for the product's own."""
    if key.startswith(OWN_PREFIXES):
        raise StreamappError(Code.KEY_FORBIDDEN, key[:100])
    return key
