"""Which batches are replayed: some by name, or those that a manifest or the batch log tells of.

A large store is read as a stream; what is held is the ids.
"""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from streamapp.keys import BATCHES
from streamapp.manifests import parts_of, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.interface import UploadStore
    from streamapp.replay.interfaces import BatchLog

SKEW_S = 3600.0
"""How far the clocks of an uploader and of the object store may be apart, at most."""


class These(NamedTuple):
    """Batches by their ids."""

    ids: tuple[str, ...]

    async def batches(self, _objects: UploadStore, _log: BatchLog) -> list[str]:
        """Each once, in the order given."""
        return list(dict.fromkeys(self.ids))


class Project(NamedTuple):
    """The batches of a project."""

    name: str

    async def batches(self, objects: UploadStore, _log: BatchLog) -> list[str]:
        """The oldest first, as far as their ids tell; raises ``STORE_AWAY``."""
        return await asyncio.to_thread(lambda: list(self._found(objects)))

    def _found(self, objects: UploadStore) -> Iterator[str]:
        for batch, _ in _changed(objects):
            opening = read_manifest(objects, batch)
            if opening and opening.project == self.name:
                yield batch


class Since(NamedTuple):
    """The batches with a part that was stored at ``start`` or later and before ``end``.

    In Unix seconds.
    """

    start: float
    end: float

    async def batches(self, objects: UploadStore, _log: BatchLog) -> list[str]:
        """The oldest first, as far as their ids tell; raises ``STORE_AWAY``."""
        return await asyncio.to_thread(lambda: list(self._found(objects)))

    def _found(self, objects: UploadStore) -> Iterator[str]:
        for batch, changed in _changed(objects):
            # A manifest is written after the time it tells: older ones need not be read.
            if changed > self.start - SKEW_S and any(
                self.start <= part.stored_at < self.end for part in parts_of(objects, batch)
            ):
                yield batch


class SinceOffset(NamedTuple):
    """The batches that the batch log tells of from an offset on, in one partition or in each."""

    offset: int
    partition: int | None = None

    async def batches(self, _objects: UploadStore, log: BatchLog) -> list[str]:
        """As the log tells of them; raises ``KAFKA_AWAY``, ``TOPICS_MISSING``."""
        told = log.batches_since(self.offset, self.partition)
        return list(dict.fromkeys([batch async for batch in told]))


Choice = These | Project | Since | SinceOffset


def _changed(objects: UploadStore) -> Iterator[tuple[str, float]]:
    """Every batch and when its manifests changed last, in Unix seconds of the store."""
    for batch, manifests in groupby(
        objects.listing(BATCHES), lambda one: one.key.removeprefix(BATCHES).partition("/")[0]
    ):
        yield batch, max(manifest.modified for manifest in manifests)
