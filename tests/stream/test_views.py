"""What the owner of a batch says of it before a part of it was opened, and after."""

from __future__ import annotations

from streamapp import progress
from streamapp.events import BatchCancelled, BatchLogEvent, BatchOpened, PriorityChanged
from streamapp.stream.views import told

OPENED = BatchOpened(
    batch="b1",
    project="p",
    priority=5,
    archive="archives/a.zip",
    archive_bytes=1000,
    name="photos.zip",
    photos=100,
    opened_at=1.0,
)
CHANGED = PriorityChanged(batch="b1", project="p", priority=9, changed_at=2.0)
CANCELLED = BatchCancelled(batch="b1", project="p", cancelled_at=3.0)


def row(*log: BatchLogEvent) -> bytes:
    state = None
    for event in log:
        state = progress.fold(state, event)
    assert state is not None
    return progress.encode(state)


def test_a_batch_without_a_row_is_not_known() -> None:
    assert told(None) is None


def test_a_batch_whose_priority_was_changed_before_it_was_opened_is_not_known_yet() -> None:
    assert told(row(CHANGED)) is None
    status = told(row(CHANGED, OPENED))
    assert status is not None
    assert (status.image_count, status.priority) == (100, 9)


def test_a_batch_that_was_cancelled_before_it_was_opened_is_cancelled() -> None:
    for log in ((CANCELLED,), (CHANGED, CANCELLED)):
        status = told(row(*log))
        assert status is not None
        assert status.status == "cancelled"
