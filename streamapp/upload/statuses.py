"""What the uploader says of a batch: its owner's answer, or the manifests' before there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp import events, progress
from streamapp.errors import Code, StreamappError
from streamapp.upload.batch_ids import is_batch_id

if TYPE_CHECKING:
    from streamapp.progress import Status
    from streamapp.upload.chain import Chain
    from streamapp.upload.interfaces import ProgressSource


class Statuses:
    """The statuses of all batches."""

    def __init__(self, chain: Chain, source: ProgressSource) -> None:
        self._chain = chain
        self._source = source

    async def ask(self, batch: str) -> Status:
        """The status of a batch by now.

        Raises:
            StreamappError: ``BATCH_UNKNOWN``; ``PROGRESS_AWAY``, ``STORE_AWAY``.
        """
        if not is_batch_id(batch):
            raise StreamappError(Code.BATCH_UNKNOWN)
        known = await self._source.status(batch)
        if known is None:
            return await self._queued(batch)
        if known.status in progress.ENDED:
            return progress.joined(known, await self._chain.photos(batch))
        return known

    async def _queued(self, batch: str) -> Status:
        """The status of a batch that no worker has opened yet: its manifests answer."""
        state, number = None, 0
        while part := await self._chain.link(batch, number):
            state = progress.fold(state, events.opening(part, part.stored_at))
            number += 1
        if state is None:
            raise StreamappError(Code.BATCH_UNKNOWN)
        return progress.status(state)
