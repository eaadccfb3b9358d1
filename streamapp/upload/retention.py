"""What is kept for a time only: archives with their manifests, runs and quota marks, and crops.

Nothing of a batch goes before it has ended, and nobody's own objects (an imported archive, the
photos of a listing) ever go. While a batch's owner cannot be asked it stays; one that its owner
does not know any more goes after twice the time. A round works for a bounded time and the next one
goes on where it stopped, so a large store takes several. All of it may be done twice or by many.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streamapp.errors import Code, StreamappError
from streamapp.events import decode_archive
from streamapp.keys import ARCHIVES, BATCHES, CROPS, RUNS, quota_mark_key
from streamapp.manifests import MANIFEST_BYTES_MAX
from streamapp.progress import ENDED
from streamapp.upload.batch_ids import is_batch_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connectors.objects.interface import Stored, UploadStore
    from streamapp.upload.interfaces import ProgressSource

    Remove = Callable[[UploadStore, Sequence[Stored], float], int]

ROUND_S = 10.0
"""How long a round works on archives, and on crops."""

_PAGE = 1000

_log = logging.getLogger(__name__)


class Kept(NamedTuple):
    """How long archives and crops are kept, in seconds; 0: for ever."""

    archives_s: float = 0.0
    crops_s: float = 0.0


FOR_EVER = Kept()


class Retention:
    """Removes what was kept long enough."""

    def __init__(
        self,
        *,
        objects: UploadStore,
        progress: ProgressSource,
        kept: Kept,
        clock: Callable[[], float],
    ) -> None:
        sweep = partial(Sweep, objects=objects, progress=progress, clock=clock)
        self._archives = sweep(prefix=BATCHES, kept_s=kept.archives_s, remove=remove_archives)
        self._crops = sweep(prefix=CROPS, kept_s=kept.crops_s, remove=remove_crops)

    async def advance(self) -> dict[str, int]:
        """What was removed in a bounded time; raises ``STORE_AWAY``."""
        return {
            "old archives": await self._archives.advance(),
            "old crops": await self._crops.advance(),
        }


@dataclass(slots=True, kw_only=True)
class Sweep:
    """A pass over all batches of which something lies under ``prefix``, a round at a time."""

    objects: UploadStore
    progress: ProgressSource
    prefix: str
    kept_s: float
    remove: Remove
    clock: Callable[[], float]
    round_s: float = ROUND_S
    after: str = ""

    async def advance(self) -> int:
        """The number of objects that were removed in this round."""
        until = time.monotonic() + self.round_s
        removed, more = 0, self.kept_s > 0
        while more:
            page = await asyncio.to_thread(self._page)
            more = len(page) == _PAGE
            for batch, found in groupby(page, lambda one: one.key.split("/")[1]):
                objects = list(found)
                count = await self._clear(batch, objects)
                # Behind those removed, or behind all of a batch that stays: "0" follows on "/".
                self.after = objects[-1].key if count else f"{self.prefix}{batch}0"
                removed += count
                if time.monotonic() >= until:
                    return removed
        self.after = ""
        return removed

    def _page(self) -> list[Stored]:
        return list(islice(self.objects.listing(self.prefix, self.after), _PAGE))

    async def _clear(self, batch: str, found: Sequence[Stored]) -> int:
        """Remove what is old of a batch that has ended; 0 when it stays."""
        before = self.clock() - self.kept_s
        old = [one for one in found if one.modified < before]
        if not old or not is_batch_id(batch):
            return 0
        newest = max(one.modified for one in old)
        try:
            if await self._has_ended(batch, newest):
                return await asyncio.to_thread(self.remove, self.objects, old, before)
        except (StreamappError, msgspec.MsgspecError) as error:
            if isinstance(error, StreamappError) and error.code is Code.STORE_AWAY:
                raise
            _log.info("batch %s is kept for now: %s", batch, error)
        return 0

    async def _has_ended(self, batch: str, newest: float) -> bool:
        status = await self.progress.status(batch)
        if status is None:
            return newest < self.clock() - 2 * self.kept_s
        return status.status in ENDED


def remove_crops(objects: UploadStore, old: Sequence[Stored], _before: float) -> int:
    """Remove the crops."""
    for crop in old:
        objects.delete(crop.key)
    return len(old)


def remove_archives(objects: UploadStore, old: Sequence[Stored], before: float) -> int:
    """Remove all of a batch, some of whose manifests are given, unless a part or run is younger.

    Its runs go first, then the last part, and each manifest after its archive: what a crash leaves
    is a batch with fewer parts, whose manifests still name all that there is.
    """
    prefix = old[0].key.rpartition("/")[0] + "/"
    parts = list(objects.listing(prefix))
    runs = list(objects.listing(RUNS + prefix.removeprefix(BATCHES)))
    if any(each.modified >= before for each in (*parts, *runs)):
        return 0
    for run in runs:
        objects.delete(run.key)
    for manifest in reversed(parts):
        part = decode_archive(objects.read(manifest.key, 0, MANIFEST_BYTES_MAX))
        if part.archive.startswith(ARCHIVES):
            objects.delete(part.archive)
            objects.delete(quota_mark_key(part.project, part.archive, part.archive_bytes))
        objects.delete(manifest.key)
    return len(parts)
