"""The admission of a part: judged, written down, published, in that order.

When the manifest is written the part is taken in for good: what a crash or an absent Kafka leaves
unpublished is published later, from the note that stays until then. Before that, nothing of it
counts. The same request again gives the same part.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from streamapp import archive
from streamapp.errors import Code, Fate, StreamappError
from streamapp.events import ArchiveStored
from streamapp.upload.notes import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.objects.interface import UploadStore
    from streamapp.archive import Judgement
    from streamapp.events import Kind
    from streamapp.upload.chain import Chain
    from streamapp.upload.interfaces import ProgressSource, Publisher
    from streamapp.upload.notes import Note, Notes
    from streamapp.upload.order import Order
    from streamapp.upload.quota import Quota
    from streamapp.upload.settling import Settling

ENTRY_S = 120.0
"""More than it takes from the note of the batch to its manifest."""

_log = logging.getLogger(__name__)


class Offer(NamedTuple):
    """What lies in the store and wants to be a part: an object, by ``key``, of ``size`` bytes.

    A ZIP is still to be judged, unless its ``judgement`` comes with it.
    """

    order: Order
    key: str
    size: int
    name: str
    kind: Kind = "zip"
    judgement: Judgement | None = None


class Admission:
    """Takes parts in."""

    def __init__(
        self,
        *,
        objects: UploadStore,
        chain: Chain,
        notes: Notes,
        settling: Settling,
        publisher: Publisher,
        progress: ProgressSource,
        quota: Quota,
        limits: archive.Limits,
        webhooks: bool,
        clock: Callable[[], float],
    ) -> None:
        self._objects = objects
        self._chain = chain
        self._notes = notes
        self._settling = settling
        self._publisher = publisher
        self._progress = progress
        self._quota = quota
        self._limits = limits
        self._webhooks = webhooks
        self._clock = clock

    async def known(self, order: Order, size: int = 0) -> ArchiveStored | None:
        """What the same request brought before; None for a new one, which can be taken.

        Args:
            order: What the client says.
            size: Of the archive, in bytes; 0 while it is not known.

        Raises:
            StreamappError: What `repeated` and `check` raise.
        """
        if earlier := await self.repeated(order, size):
            return earlier
        await self.check(order, size)
        return None

    async def repeated(self, order: Order, size: int = 0) -> ArchiveStored | None:
        """What the same request brought before, published once more; None for a new one.

        Raises:
            StreamappError: ``KEY_REUSED``, when the earlier request said something else, or brought
                another number of bytes than ``size``, where that is known.
        """
        if not order.request:
            return None
        if order.batch:
            earlier = await self._chain.find(order.batch, request=order.request)
        else:
            earlier = await self._chain.link(order.new_batch)
        if earlier is None:
            return None
        told = (earlier.priority, earlier.external_id, earlier.webhook_url)
        if not order.batch and told != (order.priority, order.external_id, order.webhook_url):
            raise StreamappError(Code.KEY_REUSED)
        if size and size != earlier.archive_bytes:
            raise _other_content(earlier, size)
        with suppress(StreamappError):  # the note of the first sees to it, if it must
            await self._publisher.publish(earlier)
        return earlier

    async def check(self, order: Order, size: int = 0) -> None:
        """Whether the order can be taken, before its photos are: an archive of ``size`` bytes.

        Raises:
            StreamappError: ``BATCH_UNKNOWN``, also for a batch of another project;
                ``BATCH_CLOSED``; ``KEY_REUSED``; ``PROGRESS_AWAY``; ``PROJECT_QUOTA``;
                ``WEBHOOKS_OFF``.
        """
        if order.webhook_url and not self._webhooks:
            raise StreamappError(Code.WEBHOOKS_OFF)
        if order.batch:
            await self._check_batch(order)
        elif order.request:
            await self._check_key(order)
        await self._quota.check(order.project, size)

    async def _check_batch(self, order: Order) -> None:
        opening = await self._chain.link(order.batch)
        if opening is None or opening.project != order.project:
            raise StreamappError(Code.BATCH_UNKNOWN)
        status = await self._progress.status(order.batch)
        if status and status.status == "cancelled":
            raise StreamappError(Code.BATCH_CLOSED)

    async def _check_again(self, order: Order) -> None:
        """The batch may have ended while the photos came; who cannot say does not lose them."""
        try:
            await self._check_batch(order)
        except StreamappError as error:
            if error.fate is not Fate.WAIT:
                raise

    async def _check_key(self, order: Order) -> None:
        try:
            known = await self._progress.status(order.new_batch)
        except StreamappError as error:
            if error.fate is Fate.WAIT:
                return  # a new batch does not wait for workers
            raise
        if known:  # its manifests were removed by age, but its indexes are spent
            raise StreamappError(Code.KEY_REUSED)

    async def admit(self, note: Note, offer: Offer) -> ArchiveStored:
        """Make the offer a part of its batch and return the event of it.

        Its ``archive`` is another than the offer's when the same request was taken in before.
        ``note`` is the one that is kept of the upload; it is removed when all is done.

        Raises:
            StreamappError: Why it was refused; nothing of it counts.
        """
        order = offer.order
        if order.batch:
            await self._check_again(order)
        judgement = offer.judgement
        if judgement is None:
            judgement = await asyncio.to_thread(
                archive.judge, partial(self._objects.read, offer.key), offer.size, self._limits
            )
        part = ArchiveStored(
            batch=order.batch or order.new_batch or note.upload,
            project=order.project,
            priority=order.priority,
            archive=offer.key,
            archive_bytes=offer.size,
            kind=offer.kind,
            name=offer.name,
            photos=judgement.photos,
            duplicates=judgement.duplicates,
            nested=self._limits.nested,
            skipped=judgement.skipped,
            skipped_by=judgement.skipped_by,
            external_id=order.external_id,
            webhook_url=order.webhook_url,
            request=order.request,
            stored_at=self._clock(),
        )
        return await self.enter(note, part, joins=bool(order.batch))

    async def enter(self, note: Note, part: ArchiveStored, *, joins: bool) -> ArchiveStored:
        """`admit` for a part that is judged already; its ``first_index`` is found here."""
        note = structs.replace(
            note,
            batch=part.batch,
            mark="" if note.borrowed else self._quota.mark(part),
            due_at=self._clock() + ENTRY_S,
            expires_at=max(note.expires_at, self._clock() + LEASE_S),
        )
        await self._notes.write(note)
        await self._quota.claim(note.mark, part.project)
        linked = await self._chain.append(part, joins=joins)
        if linked.archive_bytes != part.archive_bytes:
            raise _other_content(linked, part.archive_bytes)
        try:
            await self._publisher.publish(linked)
            if linked.archive == part.archive:
                await self._notes.remove(note.upload)
            else:
                await self._settling.discard(note)
        except Exception:  # noqa: BLE001 - it is taken in, whatever happens now
            _log.exception("batch %s is taken in; the janitor does the rest", linked.batch)
            with suppress(StreamappError):
                await self._notes.write(structs.replace(note, due_at=self._clock()))
        return linked


def _other_content(earlier: ArchiveStored, size: int) -> StreamappError:
    return StreamappError(
        Code.KEY_REUSED, f"it brought {earlier.archive_bytes} bytes, this one {size}"
    )
