"""Rows of the progress table, and in front of it those that are folded and not written yet.

A row is written whole, so a row for each event of the batch log would cost the changelog as much as
the row is long, thousands of times. Rows wait in memory until their bytes are few for what was told
of photos since the last one (`BYTES_PER_PHOTO`), until the batch is still for a moment, or until
they have waited for long. Nothing is lost by it: an event is acknowledged after the row that holds
it, and is delivered again otherwise (see `tally`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import structs

from streamapp import progress
from streamapp.events import PhotosFinished
from streamapp.keys import batch_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faust.types import EventT, RecordMetadata

    from streamapp.events import BatchLogEvent
    from streamapp.progress import Progress
    from streamapp.stream.loads import Loads
    from streamapp.stream.local_state import LocalTable

BYTES_PER_PHOTO = 4
"""Of a row, for each outcome since the last one."""

ROW_COSTS_BYTES = 4096
"""What a row counts for beside its own bytes: its way to Kafka, and its reading at a recovery."""

STILL_S = 2.0
"""Without an event for that long a batch is written, however few its news are."""


@dataclass(slots=True, kw_only=True)
class Row:
    """A batch as it was folded, with the events that wait for it to be written."""

    key: bytes
    state: Progress
    since: float
    last: float
    photos: int = 0
    events: list[EventT[bytes]] = field(default_factory=list)
    _encoded: tuple[Progress | None, bytes] = field(default=(None, b""), init=False)

    @property
    def value(self) -> bytes:
        """The state in its wire form, made when it is asked for and not for every event."""
        if self._encoded[0] is not self.state:
            self._encoded = self.state, progress.encode(self.state)
        return self._encoded[1]

    @property
    def is_paid_for(self) -> bool:
        """Whether the row is few bytes for the outcomes since the last one.

        Encoded for it only when that was so of its former length: a row grows, as a rule.
        """
        paid = BYTES_PER_PHOTO * self.photos - ROW_COSTS_BYTES
        return len(self._encoded[1]) <= paid and len(self.value) <= paid


class Rows:
    """What was folded last of each batch, whether it is written or not."""

    def __init__(
        self,
        table: LocalTable,
        loads: Loads,
        *,
        held_s_max: float,
        clock: Callable[[], float],
    ) -> None:
        self.table = table
        self._loads = loads
        self._held_s_max = held_s_max
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget what is not written: its partitions are given away."""
        self._unwritten: dict[bytes, Row] = {}
        self._leaving: dict[bytes, Row] = {}

    def get(self, key: bytes) -> bytes | None:
        """The batch's row; None for a batch that was never heard of, or whose row is none."""
        if row := self._in_memory(key):
            return row.value
        value: bytes | None = self.table.get(key)
        return value if value and progress.read(key, value) else None

    def state(self, key: bytes) -> Progress | None:
        """What is folded of the batch; None for one that was never heard of."""
        row = self._in_memory(key)
        return row.state if row else self._written(key)

    def fold(self, event: EventT[bytes], entry: BatchLogEvent) -> Row | None:
        """Fold an event of the batch log.

        Returns:
            The row that is to be written before the event counts as read; None when the table
            holds it already.
        """
        key = batch_key(entry.batch)
        known = self._in_memory(key)
        before = known.state if known else self._written(key)
        folded = progress.fold(before, entry)
        offset = max(folded.log_offset, event.message.offset)
        after = structs.replace(folded, log_offset=offset)
        if not known and after == before:
            return None
        self._loads.changed(event.message.partition, before, after)
        return self._hold(key, after, event, photos=_photos(entry))

    def is_due(self, row: Row) -> bool:
        """Whether the row is to be written now."""
        now = self._clock()
        waited = now - row.last >= STILL_S or now - row.since >= self._held_s_max
        return waited or row.is_paid_for

    def take(self, *, everything: bool) -> list[Row]:
        """The rows that are due, or all; they are to be written before others are taken."""
        rows = [row for row in self._unwritten.values() if everything or self.is_due(row)]
        self._leaving |= {row.key: self._unwritten.pop(row.key) for row in rows}
        return rows

    def written(self, rows: Sequence[Row], places: Sequence[RecordMetadata]) -> None:
        """Note that the changelog has the rows that were taken, and where."""
        self.table.follow(
            (row.key, row.value, place) for row, place in zip(rows, places, strict=True)
        )
        for row in rows:
            del self._leaving[row.key]

    def _in_memory(self, key: bytes) -> Row | None:
        return self._unwritten.get(key) or self._leaving.get(key)

    def _written(self, key: bytes) -> Progress | None:
        value = self.table.get(key)
        return progress.read(key, value) if value else None  # see `ownership.unsettled`

    def _hold(self, key: bytes, state: Progress, event: EventT[bytes], *, photos: int) -> Row:
        now = self._clock()
        row = self._unwritten.get(key)
        if row is None:
            row = self._unwritten[key] = Row(key=key, state=state, since=now, last=now)
        row.state, row.last = state, now
        row.photos += photos
        row.events.append(event)
        return row


def _photos(entry: BatchLogEvent) -> int:
    return len(entry.outcomes) if isinstance(entry, PhotosFinished) else 0
