"""The progress of one batch: what the fold makes of the batch's log, and the table keeps."""

from __future__ import annotations

import msgspec
from pyroaring import BitMap

from streamapp.events import Cursor, Kind


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the batch as `events.BatchOpened` tells of it; until then ``photos`` is None.

    Its photos before ``cursor`` were queued, or failed at once. ``duplicates`` are only those that
    are still to come: the row is rewritten with every frame of outcomes, so it stays small.
    """

    first_index: int
    archive: str = ""
    archive_bytes: int = 0
    kind: Kind = "zip"
    name: str = ""
    priority: int = 0
    external_id: str = ""
    photos: int | None = None
    skipped: int = 0
    skipped_by: dict[str, int] = {}
    duplicates: bytes = b""
    nested: bool = False
    cursor: Cursor = Cursor()


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of one batch: the value of the progress table, under the batch's key.

    ``parts`` are in the order of their photos. ``completed`` and ``failed`` are disjoint serialized
    roaring bitmaps of photo indexes (36 bytes for 100,000 contiguous photos), ``processed`` is how
    many they hold. ``changed`` is the last change of the priority: when, to what. Times are Unix
    seconds, 0 when unknown. ``log_offset`` is the offset of the last event of the batch log that
    is folded in; the table's, not the fold's.
    """

    batch: str
    project: str = ""
    parts: tuple[Part, ...] = ()
    changed: tuple[float, int] = (0.0, 0)
    opened_at: float = 0.0
    finished_at: float = 0.0
    cancelled_at: float = 0.0
    completed: bytes = b""
    failed: bytes = b""
    processed: int = 0
    log_offset: int = -1

    @property
    def total(self) -> int:
        """Photos of all parts that are known, the missing ones between them included."""
        return max((part.first_index + (part.photos or 0) for part in self.parts), default=0)

    @property
    def queued(self) -> int:
        """Photos that were queued, or failed at once, as far as the checkpoints tell."""
        return sum(part.cursor.index for part in self.parts)

    @property
    def priority(self) -> int:
        """Of the photos that are queued from now on; 0 while unknown."""
        return self.changed[1] or (self.parts[0].priority if self.parts else 0)

    @property
    def is_complete(self) -> bool:
        """Whether every photo of every part is in a final state."""
        opened = all(part.photos is not None for part in self.parts)
        return bool(self.parts) and opened and self.processed >= self.total


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Progress).decode


def is_settled(state: Progress) -> bool:
    """Whether nothing that the batch log may still hold changes the batch's status."""
    cancelled = state.cancelled_at > 0 and state.processed >= state.queued
    return state.is_complete or cancelled


def indexes_of(serialized: bytes) -> BitMap:
    """The set that `serialized` wrote."""
    return BitMap.deserialize(serialized) if serialized else BitMap()


def serialized(indexes: BitMap) -> bytes:
    """The set in its wire form, as small as it gets; nothing for an empty one."""
    indexes.run_optimize()
    return bytes(indexes.serialize()) if indexes else b""
