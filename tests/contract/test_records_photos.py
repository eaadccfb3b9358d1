"""The photos of a batch by their state, a page at a time, with all of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.photo_records import (
    BATCH,
    a_cancelled_row,
    a_failed_row,
    a_queued_row,
    a_rejected_row,
    a_row,
)

if TYPE_CHECKING:
    from connectors.records.interface import PhotoRecord, PhotoState, RecordStore


def a_row_without_face(index: int) -> PhotoRecord:
    return a_failed_row(index, processing_status="completed", error_code=None, error_detail="")


PHOTOS: dict[int, list[PhotoRecord]] = {
    0: [a_row(0)],
    1: [a_failed_row(1)],
    2: [a_row(2, face) for face in range(3)],
    3: [a_row_without_face(3)],
    5: [a_cancelled_row(5)],
    6: [a_failed_row(6, error_code="photo_timed_out")],
    7: [a_row(7), a_rejected_row(7, 1)],
    8: [a_failed_row(8)],
    9: [a_row_without_face(9)],
    10: [a_queued_row(10)],
}


@pytest.fixture
async def filled(store: RecordStore) -> RecordStore:
    other = a_row(0, id="Batch-1-00000000", batch_id="Batch-1")
    await store.upsert([other, *(row for rows in PHOTOS.values() for row in rows)])
    return store


def rows_of(*indexes: int) -> list[PhotoRecord]:
    return [row for index in indexes for row in PHOTOS[index]]


@pytest.mark.parametrize(
    ("state", "indexes"),
    [
        (None, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10]),
        ("completed", [0, 2, 3, 7, 9]),
        ("no-face", [3, 9]),
        ("failed", [1, 6, 8]),
        ("cancelled", [5]),
        ("queued", [10]),
    ],
)
async def test_the_photos_in_a_state_come_in_pages_with_all_of_their_rows(
    filled: RecordStore, state: PhotoState | None, indexes: list[int]
) -> None:
    after, found = -1, []
    while page := await filled.photos(BATCH, state=state, after=after, limit=2):
        assert len({row.photo_index for row in page}) <= 2
        found += page
        after = page[-1].photo_index
    assert found == rows_of(*indexes)


async def test_a_photo_is_told_with_all_of_its_faces(filled: RecordStore) -> None:
    assert await filled.photo(BATCH, 2) == rows_of(2)
    assert await filled.photo(BATCH, 4) == []


async def test_failed_photos_are_counted_by_their_code(filled: RecordStore) -> None:
    assert await filled.failed_by(BATCH) == {"photo_broken": 2, "photo_timed_out": 1}


@pytest.mark.parametrize("batch", ["unknown", "", "\ud83d", "x' OR '1'='1"])
async def test_an_unknown_batch_has_no_photos(filled: RecordStore, batch: str) -> None:
    assert await filled.photos(batch) == []
    assert await filled.photo(batch, 0) == []
    assert await filled.failed_by(batch) == {}
    await filled.delete(batch)
    assert await filled.photos(BATCH, limit=3) == rows_of(0, 1, 2)
