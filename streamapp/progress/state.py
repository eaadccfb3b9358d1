"""The progress of one batch: what the fold makes of the batch's log, and the table keeps.

It is one Kafka message, written whole again and again (see `stream.rows`), so it holds what is
still needed and no more. Its bound: `keys.PARTS_MAX` parts that wait to be queued, a bit for each
photo (queued ones are known to have failed or not, the others to be duplicates or not), and the
gaps in what is finished, no more than there are photos in flight. Each later run adds three bits
for each photo that it does, at most.
"""

from __future__ import annotations

import msgspec
from pyroaring import BitMap

from streamapp.events import UNREADABLE, Cursor, Kind
from streamapp.keys import FIRST_RUN, batch_key


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the batch as `events.BatchOpened` tells of it; until then ``photos`` is None.

    Its photos before ``cursor`` were queued, or failed at once. Parts that are queued to their end
    are one as far as they are neighbours, and know no more where they came from.
    """

    first_index: int
    archive: str = ""
    archive_bytes: int = 0
    kind: Kind = "zip"
    priority: int = 0
    photos: int | None = None
    skipped: int = 0
    skipped_by: dict[str, int] = {}
    nested: bool = False
    cursor: Cursor = Cursor()

    @property
    def end(self) -> int:
        """The index behind its last photo, as far as that is known."""
        return self.first_index + (self.photos or 0)

    def holds(self, index: int) -> bool:
        """Whether the batch's photo ``index`` is one of the part's."""
        return self.first_index <= index < self.end

    @property
    def is_queued(self) -> bool:
        """Whether all of its photos were queued, or failed at once."""
        return self.photos is not None and self.cursor.index >= self.photos


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a run of the batch.

    ``parts`` are in the order of their photos. ``finished``, ``failed`` of them, ``passed_over``
    since the run was cancelled, and ``duplicates`` that are still to be queued are serialized
    roaring bitmaps of photo indexes (some 30 bytes for 100,000 contiguous photos); ``processed`` is
    how many are finished. Times are Unix seconds, 0 when unknown; ``started_at`` is
    that of `events.RunStarted`, or of the first run when its first photo was finished.

    ``swept`` is what `runs.told_until` was when the crops that are nobody's were gone. Of a later
    run only: what `events.RunStarted` tells, and ``due``, the photos that it does and has not
    finished.
    """

    run: int = FIRST_RUN
    parts: tuple[Part, ...] = ()
    duplicates: bytes = b""
    finished: bytes = b""
    failed: bytes = b""
    passed_over: bytes = b""
    processed: int = 0
    finished_at: float = 0.0
    cancelled_at: float = 0.0
    started_at: float = 0.0
    initial_priority: int = 0
    settings: tuple[tuple[str, str], ...] = ()
    rate: float = 0.0
    due: bytes = b""
    swept: int = 0

    @property
    def is_announced(self) -> bool:
        """Whether it is known what it does."""
        return self.run == FIRST_RUN or self.started_at > 0


class Progress(Run, frozen=True, kw_only=True, omit_defaults=True):
    """The state of one batch: the value of the progress table, under the batch's key.

    It is what is known of the first run; of what holds for the batch, ``external_id`` and
    ``webhook_url`` being the first part's and ``changed`` the last change of the priority: when, to
    what; and of the later ``runs``, ascending. ``log_offset`` is the offset of the last event of
    the batch log that is folded in; the table's, not the fold's.
    """

    batch: str
    project: str = ""
    external_id: str = ""
    webhook_url: str = ""
    changed: tuple[float, int] = (0.0, 0)
    opened_at: float = 0.0
    runs: tuple[Run, ...] = ()
    log_offset: int = -1

    @property
    def total(self) -> int:
        """Photos of all parts that are known, the missing ones between them included."""
        return max((part.end for part in self.parts), default=0)

    @property
    def queued(self) -> int:
        """Photos that the first run has queued, or failed at once, as the checkpoints tell."""
        return sum(part.cursor.index for part in self.parts)

    @property
    def latest(self) -> Run:
        """The run that was started last."""
        return next((run for run in reversed(self.runs) if run.is_announced), self)

    @property
    def priority(self) -> int:
        """Of the photos that are queued from now on; 0 while unknown."""
        changed_at, priority = self.changed
        if self.latest is self:
            return priority or (self.parts[0].priority if self.parts else 0)
        return priority if changed_at > self.latest.started_at else self.latest.initial_priority

    @property
    def is_opened(self) -> bool:
        """Whether a part was opened, and so photos are known."""
        return any(part.photos is not None for part in self.parts)

    @property
    def is_known_wholly(self) -> bool:
        """Whether every part that anything is known of was opened."""
        return bool(self.parts) and all(part.photos is not None for part in self.parts)


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Progress).decode


def read(key: bytes, row: bytes) -> Progress | None:
    """What `encode` wrote for the batch of ``key``; None of any other bytes.

    Somebody, or a later release, may have written to the changelog.
    """
    try:
        state = decode(row)
        for run in (state, *state.runs):
            for indexes in (run.finished, run.failed, run.passed_over, run.due, run.duplicates):
                indexes_of(indexes)
    except UNREADABLE:
        return None
    return state if batch_key(state.batch) == key else None


def duplicates_of(run: Run, part: Part) -> bytes:
    """The part's duplicates that are still to be queued, as indexes within the part."""
    of_part = indexes_of(run.duplicates) & BitMap(range(part.first_index, part.end))
    return serialized(of_part.shift(-part.first_index))


def indexes_of(serialized: bytes) -> BitMap:
    """The set that `serialized` wrote."""
    return BitMap.deserialize(serialized) if serialized else BitMap()


def serialized(indexes: BitMap) -> bytes:
    """The set in its wire form, as small as it gets; nothing for an empty one."""
    indexes.run_optimize()
    return bytes(indexes.serialize()) if indexes else b""
