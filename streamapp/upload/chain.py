"""The chain of a batch's manifests: which parts it has, and the indexes of their photos.

A part's number is taken by writing its manifest where none is yet, which the store lets exactly
one of all replicas do. Each link begins where the one before it ends, so the photos' indexes are
without gap or overlap, whoever writes and however often it is tried again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import structs

from streamapp.errors import Code, StreamappError
from streamapp.events import ArchiveStored, encode
from streamapp.keys import PARTS_MAX, manifest_key
from streamapp.manifests import read_manifest

if TYPE_CHECKING:
    from connectors.objects.interface import UploadStore

PHOTOS_MAX = 3_900_000
"""Of a batch: its progress is one Kafka message with bitmaps of its photos."""


class Chain:
    """The manifests of all batches in the object store. Its calls block."""

    def __init__(self, objects: UploadStore) -> None:
        self._objects = objects

    async def link(self, batch: str, number: int = 0) -> ArchiveStored | None:
        """A part of a batch, None when there is no such part."""
        return await asyncio.to_thread(self._link, batch, number)

    async def append(self, part: ArchiveStored, *, joins: bool) -> ArchiveStored:
        """The part as it became a link of its batch, with its ``first_index``.

        That is an earlier one when the same request was taken in before: its ``archive`` differs.

        Raises:
            StreamappError: ``KEY_REUSED``, when the batch of a key was opened by another request;
                ``BATCH_FULL``; ``BATCH_UNKNOWN``, when it ``joins`` a batch that is not there.
        """
        return await asyncio.to_thread(self._append, part, joins=joins)

    async def find(
        self, batch: str, archive: str = "", *, request: str = ""
    ) -> ArchiveStored | None:
        """The link of the object ``archive``, or the one that ``request`` brought."""
        return await asyncio.to_thread(self._find, batch, archive, request)

    async def photos(self, batch: str) -> int:
        """The photos of all parts of a batch; 0 when there is none."""
        return await asyncio.to_thread(self._photos, batch)

    def _photos(self, batch: str) -> int:
        numbers = len(self._objects.keys(manifest_key(batch).rpartition("/")[0] + "/"))
        last = self._link(batch, numbers - 1) if numbers else None
        return last.first_index + last.photos if last else 0

    def _append(self, part: ArchiveStored, *, joins: bool) -> ArchiveStored:
        first_index = 0
        for number in range(PARTS_MAX):
            earlier = self._link(part.batch, number)
            if earlier is None and joins and not number:
                raise StreamappError(Code.BATCH_UNKNOWN)  # removed by age since it was asked for
            if earlier is None:
                linked = structs.replace(part, first_index=first_index)
                if first_index + part.photos > PHOTOS_MAX:
                    break
                key = manifest_key(part.batch, number)
                if self._objects.put_new(key, encode(linked), "application/json"):
                    return linked
                earlier = self._taken(part.batch, number)
            if part.archive == earlier.archive or (
                part.request and part.request == earlier.request
            ):
                return earlier
            if not joins:
                raise StreamappError(Code.KEY_REUSED)
            first_index = earlier.first_index + earlier.photos
        raise StreamappError(Code.BATCH_FULL)

    def _taken(self, batch: str, number: int) -> ArchiveStored:
        link = self._link(batch, number)
        if link is None:
            raise StreamappError(Code.STORE_AWAY, f"{manifest_key(batch, number)} comes and goes")
        return link

    def _find(self, batch: str, archive: str, request: str) -> ArchiveStored | None:
        for number in range(PARTS_MAX):
            link = self._link(batch, number)
            if link is None or link.archive == archive or (request and link.request == request):
                return link
        return None

    def _link(self, batch: str, number: int) -> ArchiveStored | None:
        return read_manifest(self._objects, batch, number)
