"""What every record store promises, asked of SQLite and of a real MariaDB."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from connectors.records.columns import PAGE_ROWS
from streamapp.keys import record_id
from tests.contract.record_stores import read
from tests.photo_records import BATCH, a_failed_row, a_queued_row, a_rejected_row, a_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.records.interface import PhotoRecord, RecordStore
    from tests.contract.record_stores import Place


async def test_a_completed_row_comes_back_with_every_field(store: RecordStore) -> None:
    await store.upsert([a_row()])
    assert await read(store) == [a_row()]


async def test_a_failed_row_comes_back_with_every_field(store: RecordStore) -> None:
    await store.upsert([a_failed_row()])
    assert await read(store) == [a_failed_row()]


async def test_the_row_of_a_queued_photo_comes_back_with_every_field(store: RecordStore) -> None:
    await store.upsert([a_queued_row()])
    assert await read(store) == [a_queued_row()]
    assert await store.counts(BATCH) == {"queued": 1}


async def test_the_row_of_a_rejected_face_comes_back_with_every_field(store: RecordStore) -> None:
    await store.upsert([a_rejected_row()])
    assert await read(store) == [a_rejected_row()]


async def test_rows_come_by_photo_index_and_of_their_batch_only(store: RecordStore) -> None:
    other = a_row(0, id="Batch-1-00000000", batch_id="Batch-1")
    await store.upsert([a_row(2), other, a_row(0), a_row(1)])
    assert [row.photo_index for row in await read(store)] == [0, 1, 2]


async def test_the_faces_of_a_photo_come_by_their_number(store: RecordStore) -> None:
    faces = [a_row(1, face) for face in range(12)]
    await store.upsert([a_row(2), *reversed(faces), a_row(0)])
    assert await read(store) == [a_row(0), *faces, a_row(2)]


async def test_photos_whose_faces_lie_on_two_pages_lose_none(store: RecordStore) -> None:
    rows = [a_row(index, face) for index in range(2 * PAGE_ROWS // 7) for face in range(7)]
    assert PAGE_ROWS % 7
    await store.upsert(rows)
    assert await read(store) == rows


async def test_a_photo_with_several_faces_counts_once(store: RecordStore) -> None:
    await store.upsert([a_row(0), a_row(0, 1), a_rejected_row(0, 2), a_failed_row(1)])
    assert await store.counts(BATCH) == {"completed": 1, "failed": 1}


async def test_counts_are_by_status_and_of_their_batch_only(store: RecordStore) -> None:
    other = a_row(0, id="Batch-1-00000000", batch_id="Batch-1")
    await store.upsert([a_row(0), a_row(1), a_failed_row(2), other])
    assert await store.counts(BATCH) == {"completed": 2, "failed": 1}


@pytest.mark.parametrize("batch", ["unknown", "", "\ud83d", "x' OR '1'='1"])
async def test_an_unknown_batch_has_no_rows(store: RecordStore, batch: str) -> None:
    await store.upsert([a_row()])
    assert await read(store, batch) == []
    assert await store.counts(batch) == {}


async def test_writing_nothing_is_fine(store: RecordStore) -> None:
    await store.upsert([])
    assert await store.counts(BATCH) == {}


async def test_repeating_a_write_changes_nothing(place: Place, store: RecordStore) -> None:
    rows = [a_row(0), a_failed_row(1)]
    await store.upsert(rows)
    before = place.execute("SELECT * FROM data_records ORDER BY id")
    await asyncio.sleep(0.01)
    await store.upsert(rows)
    assert place.execute("SELECT * FROM data_records ORDER BY id") == before


async def test_a_later_completed_row_replaces_an_earlier_one(store: RecordStore) -> None:
    await store.upsert([a_row(finished_at=1_700_000_000.0)])
    later = a_row(finished_at=1_700_000_009.5, face_x=99)
    await store.upsert([later])
    assert await read(store) == [later]


async def test_a_failed_row_never_replaces_a_completed_one(store: RecordStore) -> None:
    await store.upsert([a_row()])
    await store.upsert([a_failed_row()])
    assert await read(store) == [a_row()]


async def test_a_completed_row_replaces_a_failed_one(store: RecordStore) -> None:
    await store.upsert([a_failed_row()])
    await store.upsert([a_row()])
    assert await read(store) == [a_row()]


@pytest.mark.parametrize("order", [(a_row, a_failed_row), (a_failed_row, a_row)])
async def test_of_both_in_one_call_the_completed_row_stays(
    store: RecordStore, order: tuple[Callable[[], PhotoRecord], ...]
) -> None:
    await store.upsert([make() for make in order])
    assert await read(store) == [a_row()]


async def test_2500_rows_go_in_one_call(store: RecordStore) -> None:
    rows = [a_row(index) for index in range(2_500)]
    await store.upsert(rows)
    assert await read(store) == rows


async def test_upserts_of_the_same_rows_at_once_all_succeed(
    place: Place, store: RecordStore
) -> None:
    rows = [a_row(index) for index in range(300)]
    stores = [store, place.open(), place.open()]
    writes = [
        one.upsert(part)
        for _ in range(5)
        for one, part in zip(stores, (rows[:200], rows[::-1], rows[100:]), strict=True)
    ]
    await asyncio.gather(*writes)
    assert await read(store) == rows


ODD_NAMES = {
    "😀 سلام 写真.jpg": "😀 سلام 写真.jpg",
    "nul\0tab\tnewline\n.jpg": "nul\0tab\tnewline\n.jpg",
    'it\'s "quoted" `and` \\escaped\\ %s %(a)s ?': 'it\'s "quoted" `and` \\escaped\\ %s %(a)s ?',
    "'); DROP TABLE data_records; --": "'); DROP TABLE data_records; --",
    "lone \ud83d surrogate": "lone ? surrogate",
    "x" * 5_000: "x" * 1_024,
    "😀" * 5_000: "😀" * 1_024,
    "": "",
    " trailing ": " trailing ",
}


async def test_no_name_is_too_odd_to_be_written(store: RecordStore) -> None:
    await store.upsert(
        [
            a_failed_row(index, photo_name=name, error_detail=name, project_id=name)
            for index, name in enumerate(ODD_NAMES)
        ]
    )
    rows = await read(store)
    assert [row.photo_name for row in rows] == list(ODD_NAMES.values())
    assert [row.error_detail for row in rows] == list(ODD_NAMES.values())


async def test_five_may_prepare_at_once_and_again(place: Place) -> None:
    stores = [place.open() for _ in range(5)]
    await asyncio.gather(*(store.prepare() for store in stores))
    await stores[0].upsert([a_row()])
    await stores[1].prepare()
    assert await read(stores[1]) == [a_row()]


async def test_the_predecessors_queries_answer_as_they_stand(
    place: Place, store: RecordStore
) -> None:
    await store.upsert([a_row(0), a_row(1), a_failed_row(2), a_queued_row(3)])
    counts = place.execute(
        "SELECT processing_status, COUNT(*) FROM data_records GROUP BY processing_status;"
    )
    assert sorted(counts) == [("completed", 2), ("failed", 1), ("queued", 1)]
    unfinished = place.execute(
        "SELECT id, processing_status, face_detected, cropped_photo_url FROM data_records "
        "WHERE processing_status != 'completed' LIMIT 10;"
    )
    assert sorted(unfinished) == [
        (record_id(BATCH, 2), "failed", 0, None),
        (record_id(BATCH, 3), "queued", 0, None),
    ]


async def test_a_person_can_read_the_times(place: Place, store: RecordStore) -> None:
    await store.upsert([a_row()])
    ((finished_at,),) = place.execute("SELECT finished_at FROM data_records")
    assert str(finished_at) == "2023-11-14 22:13:20.123456"


async def test_reading_a_large_batch_holds_a_page_of_it(store: RecordStore) -> None:
    name = "x" * 1_000
    await store.upsert([a_row(index, photo_name=name) for index in range(3_000)])
    tracemalloc.start()
    try:
        indexes = [row.photo_index async for row in store.rows(BATCH)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert indexes == list(range(3_000))
    assert peak < 3_000 * len(name) * 0.8


async def test_a_write_that_is_cancelled_leaves_a_store_that_works(store: RecordStore) -> None:
    rows = [a_row(index) for index in range(5_000)]
    write = asyncio.create_task(store.upsert(rows))
    await asyncio.sleep(0.15)
    write.cancel()
    await asyncio.wait([write])
    assert len(await read(store)) in {0, 5_000}
    await store.upsert(rows)
    assert await store.counts(BATCH) == {"completed": 5_000}
