"""What the row of a batch says, of what is folded of it."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from typing import TYPE_CHECKING

from streamapp import progress
from streamapp.events import BatchCancelled, BatchOpened, Outcome, PhotosFinished
from streamapp.stream.batch_rows import batch_row

if TYPE_CHECKING:
    from connectors.records.interface import BatchRecord
    from streamapp.events import BatchLogEvent

OPENED = BatchOpened(
    batch="b1",
    project="p",
    priority=4,
    archive="a",
    archive_bytes=1,
    name="n",
    photos=3,
    opened_at=10.0,
    external_id="order 17",
)
CANCELLED = BatchCancelled(batch="b1", project="p", cancelled_at=11.0)


def finished(index: int, at: float, state: str = "completed") -> PhotosFinished:
    outcome = Outcome(index=index, name="", state=state, finished_at=at)  # type: ignore[arg-type]
    return PhotosFinished(batch="b1", project="p", outcomes=(outcome,))


def row_of(*log: BatchLogEvent) -> BatchRecord | None:
    first, *others = log
    return batch_row(reduce(progress.fold, others, progress.fold(None, first)))


def test_a_batch_that_is_not_opened_has_no_row() -> None:
    assert row_of(CANCELLED) is None


def test_it_begins_with_the_first_photo_that_is_done_and_ends_with_the_last() -> None:
    log: list[BatchLogEvent] = [
        OPENED,
        finished(0, 12.0),
        finished(1, 15.0, "failed"),
        finished(2, 13.0),
    ]
    rows = {str(row_of(*order)) for order in permutations(log)}
    assert len(rows) == 1
    row = row_of(*log)
    assert row
    assert (row.created_at, row.started_at, row.ended_at) == (10.0, 12.0, 15.0)
    assert (row.photos, row.processed, row.failed, row.cancelled) == (3, 3, 1, 0)
    assert (row.external_id, row.priority, row.status) == ("order 17", 4, "completed")


def test_a_batch_with_photos_to_come_has_not_ended() -> None:
    row = row_of(OPENED, finished(0, 12.0))
    assert row
    assert (row.started_at, row.ended_at) == (12.0, None)


def test_a_cancelled_batch_ends_when_it_is_cancelled_or_its_last_photo_is_done() -> None:
    row = row_of(OPENED, CANCELLED)
    assert row
    assert (row.status, row.cancelled, row.started_at, row.ended_at) == ("cancelled", 3, None, 11.0)
    row = row_of(OPENED, CANCELLED, finished(0, 12.0), finished(1, 13.0, "cancelled"))
    assert row
    assert (row.status, row.cancelled, row.started_at, row.ended_at) == ("cancelled", 2, 12.0, 12.0)
