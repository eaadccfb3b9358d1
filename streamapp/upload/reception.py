"""The reception of a batch: stored, judged, written down, published, in that order.

An upload that does not get to the end leaves nothing behind: no archive, no manifest, no event.
The manifest is the `ArchiveStored` event itself as an object beside the archive: it answers for
the batch until a worker has opened it, and the event can be published again from it.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from streamapp import archive
from streamapp.errors import Code, StreamappError
from streamapp.events import ArchiveStored, decode_archive, encode
from streamapp.keys import archive_key, manifest_key
from streamapp.upload.form import read_form
from streamapp.upload.incoming import IncomingArchive
from streamapp.upload.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from connectors.objects.interface import ObjectStore
    from streamapp.upload.interfaces import Publisher
    from streamapp.upload.parts import Form

MANIFEST_BYTES_MAX = 16 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What an upload may be, and how many may run at once (each holds about 50 MiB).

    A client may be silent for ``client_idle_s`` and must send ``client_bytes_per_s_min`` on
    average over every ``client_window_s`` of waiting for it.
    """

    archive_bytes_max: int
    archive: archive.Limits
    uploads_max: int = 8
    client_idle_s: float = 60.0
    client_window_s: float = 60.0
    client_bytes_per_s_min: int = 1024


class Reception:
    """Takes uploads in."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        publisher: Publisher,
        limits: UploadLimits,
        clock: Callable[[], float],
        new_batch_id: Callable[[], str],
    ) -> None:
        self._objects = objects
        self._publisher = publisher
        self._limits = limits
        self._clock = clock
        self._new_batch_id = new_batch_id
        self._running = 0
        self._threads = ThreadPoolExecutor(limits.uploads_max, thread_name_prefix="store")

    async def take(self, request: Request) -> ArchiveStored:
        """Take one upload in and return the event that was published.

        Raises:
            StreamappError: Why it was refused; nothing of it remains.
        """
        if self._running >= self._limits.uploads_max:
            raise StreamappError(Code.UPLOADS_BUSY)
        self._running += 1
        try:
            return await self._take(request, self._new_batch_id())
        finally:
            self._running -= 1

    async def manifest(self, batch: str) -> ArchiveStored | None:
        """The event of a batch that was taken in, None when there is no such batch."""
        try:
            data = await asyncio.to_thread(
                self._objects.read, manifest_key(batch), 0, MANIFEST_BYTES_MAX
            )
        except StreamappError as error:
            if error.code is Code.OBJECT_MISSING:
                return None
            raise
        return decode_archive(data)

    async def _take(self, request: Request, batch: str) -> ArchiveStored:
        incoming = IncomingArchive(self._objects, archive_key(batch), self._threads)
        try:
            form = await read_form(
                request,
                incoming,
                file_bytes_max=self._limits.archive_bytes_max,
                client_idle_s=self._limits.client_idle_s,
                pace=Pace(
                    bytes_per_s_min=self._limits.client_bytes_per_s_min,
                    window_s=self._limits.client_window_s,
                ),
            )
            form.require()
            event = await self._judged(batch, form, await incoming.size())
            await asyncio.to_thread(
                self._objects.put, manifest_key(batch), encode(event), "application/json"
            )
            await self._publisher.publish(event)
        except BaseException:
            await incoming.abandon()
            if incoming.started:
                await self._leave_nothing(batch)
            raise
        return event

    async def _judged(self, batch: str, form: Form, size: int) -> ArchiveStored:
        key = archive_key(batch)
        read = partial(self._objects.read, key)
        judgement = await asyncio.to_thread(archive.judge, read, size, self._limits.archive)
        return ArchiveStored(
            batch=batch,
            project=form.require(),
            priority=form.priority,
            archive=key,
            archive_bytes=size,
            name=form.file_name,
            photos=judgement.photos,
            skipped=judgement.skipped,
            stored_at=self._clock(),
        )

    async def _leave_nothing(self, batch: str) -> None:
        for key in (manifest_key(batch), archive_key(batch)):
            try:
                await asyncio.to_thread(self._objects.delete, key)
            except StreamappError as error:
                logger.warning("%s stays behind: %s", key, error)
