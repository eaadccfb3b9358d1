"""A row of the progress table is encoded seldom, and is what was folded last all the same."""

from __future__ import annotations

import pytest

from streamapp import progress
from streamapp.events import BatchOpened, Outcome, PhotosFinished
from streamapp.stream.rows import BYTES_PER_PHOTO, ROW_COSTS_BYTES, Row

PHOTOS = 20_000
FRAME = 32
OPENED = BatchOpened(
    batch="b1",
    project="p",
    priority=5,
    archive="a",
    archive_bytes=1,
    name="n",
    photos=PHOTOS,
    opened_at=1.0,
)


def frames(order: list[int]) -> list[PhotosFinished]:
    """Every third photo has failed, as irregularly as a set can be."""
    outcomes = [
        Outcome(
            index=index,
            name="",
            state="failed" if index % 3 == 0 else "completed",
            finished_at=1.0,
        )
        for index in order
    ]
    return [
        PhotosFinished(batch="b1", project="p", outcomes=tuple(outcomes[at : at + FRAME]))
        for at in range(0, PHOTOS, FRAME)
    ]


@pytest.mark.parametrize("mixed", [True, False])
def test_a_row_is_paid_for_as_soon_as_its_bytes_are(*, mixed: bool) -> None:
    """Of a batch's first half: its row stays small in order, and grows by each frame if mixed."""
    order = [index * (7919 if mixed else 1) % PHOTOS for index in range(PHOTOS)]
    row = Row(key=b"b1", state=progress.fold(None, OPENED), since=0, last=0)
    written = 0
    for frame in frames(order)[: PHOTOS // FRAME // 2]:
        row.state = progress.fold(row.state, frame)
        row.photos += len(frame.outcomes)
        length = len(progress.encode(row.state))
        paid = ROW_COSTS_BYTES + length <= BYTES_PER_PHOTO * row.photos
        assert row.is_paid_for is paid
        if paid:
            row, written = Row(key=b"b1", state=row.state, since=0, last=0), written + 1
    assert written


def test_a_row_tells_what_was_folded_last() -> None:
    row = Row(key=b"b1", state=progress.fold(None, OPENED), since=0, last=0)
    before = row.value
    [frame, *_] = frames(list(range(PHOTOS)))
    row.state = progress.fold(row.state, frame)
    assert row.value == progress.encode(row.state) != before
