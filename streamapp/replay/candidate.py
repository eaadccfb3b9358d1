"""Whether a batch may be replayed, and which of its photos.

It must have ended, and all that a replay reads must still be there: a replay never turns a photo
that was done well into one that failed.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pyroaring import BitMap

from streamapp import archive, progress
from streamapp.errors import Code, StreamappError
from streamapp.manifests import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.objects.interface import UploadStore
    from streamapp.archive import Limits
    from streamapp.events import ArchiveStored
    from streamapp.progress import Progress
    from streamapp.replay.interfaces import ProgressTable

READERS = 16
"""Objects of a listing that are looked for at once."""


class Candidate(NamedTuple):
    """A batch that may be replayed.

    ``photos`` are the indexes that would be done again, ``parts`` those that hold any of them.
    """

    state: Progress
    parts: tuple[ArchiveStored, ...]
    photos: BitMap

    @property
    def failed(self) -> int:
        """How many of the photos are failed by now."""
        return len(self.photos & progress.failed(self.state))


class Candidates:
    """Looks at batches."""

    def __init__(self, objects: UploadStore, table: ProgressTable, limits: Limits) -> None:
        self._objects = objects
        self._table = table
        self._limits = limits

    async def look(self, batch: str, *, only_failed: bool) -> Candidate:
        """The batch with the photos that are to be done again, which may be none.

        Raises:
            StreamappError: ``BATCH_UNKNOWN``; ``BATCH_OPEN``; ``OBJECT_MISSING``, when something
                that would be read is gone, or is another than it was; ``PROGRESS_AWAY``,
                ``STORE_AWAY``.
        """
        parts = await asyncio.to_thread(parts_of, self._objects, batch)
        if not parts:
            raise StreamappError(Code.BATCH_UNKNOWN)
        state = _ended(await self._table.row(batch), parts)
        failed = progress.failed(state)
        photos = failed if only_failed else BitMap(range(state.total))
        read = tuple(part for part in parts if photos & indexes(part))
        await asyncio.to_thread(self._check, read, photos - failed)
        return Candidate(state, read, photos)

    def _check(self, parts: Iterable[ArchiveStored], well: BitMap) -> None:
        """Refuse when an object is gone that the photos come of, of which ``well`` are well."""
        for part in parts:
            self._check_object((part.archive, part.archive_bytes))
            if part.kind == "listing":
                self._check_listed(part, (well & indexes(part)).shift(-part.first_index))

    def _check_listed(self, part: ArchiveStored, well: BitMap) -> None:
        read = partial(self._objects.read, part.archive)
        entries = archive.listed(read, part.archive_bytes, self._limits)
        listed = ((each.name, each.photo_bytes) for each in entries if each.index in well)
        with ThreadPoolExecutor(READERS) as threads:
            list(threads.map(self._check_object, listed))

    def _check_object(self, listed: tuple[str, int]) -> None:
        key, size = listed
        if self._objects.size(key) != size:
            raise StreamappError(Code.OBJECT_MISSING, f"{key} is another one than it was")


def indexes(part: ArchiveStored) -> BitMap:
    """The indexes of a part's photos within the batch."""
    return BitMap(range(part.first_index, part.first_index + part.photos))


def _ended(state: Progress | None, parts: tuple[ArchiveStored, ...]) -> Progress:
    """The state of a batch that has ended, with all its parts; else ``BATCH_OPEN``."""
    if state is not None:
        total = parts[-1].first_index + parts[-1].photos
        status = progress.joined(progress.status(state), total)
        if status.status in progress.ENDED:
            return state
    raise StreamappError(Code.BATCH_OPEN)
