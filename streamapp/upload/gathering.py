"""The gathering of photos that lie in the store already into a listing, which is all that is made.

Each object once. A key that was named must be there; what lies under a prefix and promises no
photo (folders, clutter, archives, empty objects) is skipped and counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from streamapp.archive import Judgement, listing_line
from streamapp.archive.names import skip_reason
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from connectors.objects.interface import Stored, UploadStore
    from streamapp.upload.parts import FileSink
    from streamapp.upload.selection import Selection

SIZES_AT_ONCE = 16
PIECE_OBJECTS = 1000


class Gathering:
    """Writes one listing into ``sink``."""

    def __init__(self, objects: UploadStore, sink: FileSink, *, objects_max: int) -> None:
        self._objects = objects
        self._sink = sink
        self._objects_max = objects_max
        self._photos = 0
        self._skipped = Counter[str]()

    async def gather(self, selection: Selection) -> Judgement:
        """What the listing holds: first the keys, then what lies under the prefixes.

        Raises:
            StreamappError: ``OBJECT_MISSING``, naming the key; ``ARCHIVE_NO_PHOTOS``;
                ``ARCHIVE_TOO_MANY_ENTRIES``; and what the store raises.
        """
        keys = dict.fromkeys(selection.keys)
        self._skip("duplicate", len(selection.keys) - len(keys))
        await self._list_keys(list(keys))
        for prefix in selection.prefixes:
            await self._list_prefix(prefix, keys)
        if not self._photos:
            raise StreamappError(Code.ARCHIVE_NO_PHOTOS, f"{self._seen} objects, all skipped")
        self._sink.end()
        return Judgement(photos=self._photos, skipped_by=dict(self._skipped))

    async def _list_keys(self, keys: list[str]) -> None:
        for start in range(0, len(keys), SIZES_AT_ONCE):
            piece = keys[start : start + SIZES_AT_ONCE]
            asked = (asyncio.to_thread(self._objects.size, key) for key in piece)
            sizes = await asyncio.gather(*asked)
            await self._list(dict(zip(piece, sizes, strict=True)))

    async def _list_prefix(self, prefix: str, named: dict[str, None]) -> None:
        found = self._objects.listing(prefix)
        while piece := await asyncio.to_thread(lambda: list(islice(found, PIECE_OBJECTS))):
            photos: dict[str, int] = {}
            for each in piece:
                reason = "duplicate" if each.key in named else _skip_reason(each)
                if reason:
                    self._skip(reason)
                else:
                    photos[each.key] = each.size
            await self._list(photos)

    async def _list(self, photos: dict[str, int]) -> None:
        self._photos += len(photos)
        self._check()
        if photos:
            await self._sink.write(b"".join(map(listing_line, photos.keys(), photos.values())))

    def _skip(self, reason: str, count: int = 1) -> None:
        if count:
            self._skipped[reason] += count

    def _check(self) -> None:
        if self._seen > self._objects_max:
            raise StreamappError(
                Code.ARCHIVE_TOO_MANY_ENTRIES, f"the limit is {self._objects_max} objects"
            )

    @property
    def _seen(self) -> int:
        return self._photos + self._skipped.total()


def _skip_reason(found: Stored) -> str:
    return skip_reason(found.key) or ("" if found.size else "empty")
