"""The rows of batches: they never go back, and are found newest first by what they are."""

from __future__ import annotations

import asyncio
import time
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tests.batch_records import a_batch, an_ended_batch
from tests.contract.record_stores import read
from tests.photo_records import BATCH, a_row

if TYPE_CHECKING:
    from connectors.records.interface import BatchRecord, RecordStore
    from tests.contract.record_stores import Place

IN_ORDER = [
    a_batch(status="queued", processed=0, failed=0, started_at=None),
    a_batch(processed=40, failed=7),
    a_batch(processed=41, failed=3),
    a_batch(processed=41, status="cancelled", cancelled=59, ended_at=1_700_000_008.0),
    a_batch(processed=42, status="cancelled", cancelled=58, ended_at=1_700_000_008.0),
    a_batch(photos=200, processed=41),
    an_ended_batch(photos=200, processed=200),
    a_batch(photos=200, processed=200, run=2),
    an_ended_batch(photos=200, processed=200, run=2),
]
"""Each goes before all that come before it."""

PAIRS = [(IN_ORDER[n], winner) for m, winner in enumerate(IN_ORDER) for n in range(m)]


@pytest.mark.parametrize("row", IN_ORDER)
async def test_a_batch_comes_back_with_every_field(store: RecordStore, row: BatchRecord) -> None:
    await store.upsert_batch(row)
    assert await store.batch(row.id) == row


@pytest.mark.parametrize(("loser", "winner"), PAIRS)
async def test_the_row_of_a_batch_never_goes_back(
    store: RecordStore, loser: BatchRecord, winner: BatchRecord
) -> None:
    for told in (loser, winner, loser):
        await store.upsert_batch(told)
    assert await store.batch(winner.id) == winner


async def test_of_two_rows_that_are_as_far_the_newer_is_left(store: RecordStore) -> None:
    for priority in (5, 9):
        await store.upsert_batch(a_batch(priority=priority))
    assert await store.batch("batch-1") == a_batch(priority=9)


async def test_a_batch_that_is_told_again_is_not_touched(place: Place, store: RecordStore) -> None:
    await store.upsert_batch(a_batch())
    before = place.execute("SELECT * FROM batches")
    await asyncio.sleep(0.01)
    await store.upsert_batch(a_batch())
    assert place.execute("SELECT * FROM batches") == before


async def test_a_row_tells_when_it_was_changed_last(store: RecordStore) -> None:
    assert await store.written_at("batch-1") is None
    before = time.time()
    moments = []
    for processed in (1, 2):
        await store.upsert_batch(a_batch(processed=processed))
        moments.append(await store.written_at("batch-1") or 0.0)
        await asyncio.sleep(0.01)
    assert before - 1 < moments[0] < moments[1] < time.time() + 1


@pytest.mark.parametrize("batch", ["unknown", "", "\ud83d", "x' OR '1'='1"])
async def test_an_unknown_batch_has_no_row(store: RecordStore, batch: str) -> None:
    await store.upsert_batch(a_batch())
    assert await store.batch(batch) is None


BATCHES = [
    a_batch("f", created_at=60.0, status="queued", project_id="p", external_id="x"),
    a_batch("a", created_at=50.0, status="completed", project_id="p", external_id="y"),
    a_batch("z", created_at=40.0, status="queued", project_id="q", external_id="x"),
    a_batch("b", created_at=40.0, status="completed", project_id="p", external_id="x"),
    a_batch("c", created_at=30.0, status="queued", project_id="p", external_id=""),
]
"""Newest first; an id tells nothing of the time, since some derive from their request."""


@pytest.fixture
async def filled(store: RecordStore) -> RecordStore:
    for row in BATCHES[::-1]:
        await store.upsert_batch(row)
    return store


async def test_batches_come_newest_first_in_pages(filled: RecordStore) -> None:
    found: list[BatchRecord] = []
    while page := await filled.batches(before=found[-1].id if found else None, limit=2):
        assert len(page) <= 2
        found += page
    assert found == BATCHES


async def test_behind_a_batch_that_is_gone_there_is_nothing(filled: RecordStore) -> None:
    assert await filled.batches(before="gone") == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"status": "queued"}, "fzc"),
        ({"status": "cancelled"}, ""),
        ({"project": "p"}, "fabc"),
        ({"external_id": "x"}, "fzb"),
        ({"external_id": ""}, "c"),
        ({"project": "p", "external_id": "x"}, "fb"),
        ({"status": "queued", "project": "p", "external_id": "x"}, "f"),
        ({"project": "p", "before": "a"}, "bc"),
        ({"status": "queued", "before": "z"}, "c"),
        ({"project": "' OR '1'='1"}, ""),
        ({"project": "p%"}, ""),
    ],
)
async def test_batches_are_found_by_what_they_are(
    filled: RecordStore, asked: dict[str, str], found: str
) -> None:
    rows = await filled.batches(**asked)  # type: ignore[arg-type]  # any of them
    assert "".join(row.id for row in rows) == found


async def test_a_deleted_batch_leaves_no_row_and_others_theirs(store: RecordStore) -> None:
    other = a_row(0, id="other-00000000", batch_id="other")
    rows = [a_row(index, face) for index in range(1_700) for face in (0, 1)]
    await store.upsert([*rows, other])
    for batch in (BATCH, "other"):
        await store.upsert_batch(a_batch(batch))
    for _ in range(2):
        await store.delete(BATCH)
        assert await read(store) == []
        assert await store.batches() == [a_batch("other")]
    assert await read(store, "other") == [other]


async def test_of_many_writers_at_once_the_row_that_is_farthest_is_left(
    place: Place, store: RecordStore
) -> None:
    stores = [store, place.open(), place.open()]
    rows = [row for order in list(permutations(IN_ORDER[-4:]))[:6] for row in order]
    await asyncio.gather(*(stores[n % 3].upsert_batch(row) for n, row in enumerate(rows)))
    assert await store.batch("batch-1") == IN_ORDER[-1]
