"""The rows of batches, for whoever reads: the record store, prepared when it is first asked.

The uploader starts, and takes photos, without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError
from streamapp.upload.batch_ids import is_batch_id

if TYPE_CHECKING:
    from connectors.records.interface import RecordStore
    from streamapp.upload.chain import Chain

_INDEX_DIGITS_MAX = 9


class Rows:
    """The record store, and which batches there are."""

    def __init__(self, records: RecordStore, chain: Chain) -> None:
        self._records = records
        self._chain = chain
        self._prepared = False

    async def store(self) -> RecordStore:
        """The record store, ready to be asked; raises ``RECORDS_AWAY``."""
        if not self._prepared:
            await self._records.prepare()
            self._prepared = True
        return self._records

    async def of(self, batch: str) -> RecordStore:
        """The record store, when there is such a batch: with rows, or just taken in.

        Raises:
            StreamappError: ``BATCH_UNKNOWN``; ``RECORDS_AWAY``, ``STORE_AWAY``.
        """
        if is_batch_id(batch):
            records = await self.store()
            if await records.batch(batch) or await records.photos(batch, limit=1):
                return records
            if await self._chain.link(batch):
                return records
        raise StreamappError(Code.BATCH_UNKNOWN)


def photo_index(text: str) -> int:
    """The index of a photo in an address; ``PHOTO_UNKNOWN`` when it can be none."""
    if text.isascii() and text.isdecimal() and len(text) <= _INDEX_DIGITS_MAX:
        return int(text)
    raise StreamappError(Code.PHOTO_UNKNOWN)
