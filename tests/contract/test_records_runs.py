"""Of several outcomes of a photo one is left, with its rows alone, in whatever order they come."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.contract.record_stores import read
from tests.photo_records import BATCH, a_cancelled_row, a_failed_row, a_queued_row, a_row

if TYPE_CHECKING:
    from connectors.records.interface import PhotoRecord, RecordStore
    from tests.contract.record_stores import Place

PHOTOS = 40


class Told(NamedTuple):
    """An outcome of a photo as a frame tells it."""

    status: str
    run: int
    faces: int = 1

    def rows(self, index: int) -> list[PhotoRecord]:
        if self.status == "completed":
            return [a_row(index, face, run=self.run) for face in range(self.faces)]
        return [MAKERS[self.status](index, run=self.run)]


MAKERS = {"failed": a_failed_row, "cancelled": a_cancelled_row, "queued": a_queued_row}

IN_ORDER = [
    Told("queued", 1),
    Told("cancelled", 1),
    Told("cancelled", 2),
    Told("cancelled", 3),
    Told("failed", 1),
    Told("completed", 1, faces=3),
    Told("failed", 2),
    Told("completed", 2, faces=2),
    Told("completed", 3, faces=4),
    Told("failed", 4),
]
"""Each goes before all that come before it."""

PAIRS = [(IN_ORDER[n], winner) for m, winner in enumerate(IN_ORDER) for n in range(m)]


@pytest.mark.parametrize(("loser", "winner"), PAIRS)
async def test_the_outcome_that_goes_before_the_other_is_left(
    store: RecordStore, loser: Told, winner: Told
) -> None:
    neighbours = [a_row(index, face) for index in (1, 3, 5, 7) for face in (0, 1)]
    await store.upsert(neighbours)
    for told in (loser, winner, loser, winner):
        await store.upsert(told.rows(2))
    for told in (winner, loser):
        await store.upsert(told.rows(4))
    await store.upsert([*winner.rows(6), *loser.rows(6)])
    left = [row for index in (2, 4, 6) for row in winner.rows(index)]
    assert await read(store) == sorted(
        [*neighbours, *left], key=lambda row: (row.photo_index, row.face_index)
    )


@pytest.mark.parametrize("seed", range(8))
async def test_any_order_of_the_same_frames_leaves_the_same_rows(
    place: Place, store: RecordStore, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - no secret
    told = {index: chance.sample(IN_ORDER, chance.randint(1, 5)) for index in range(PHOTOS)}
    frames = [
        [row for index in told if each in told[index] for row in each.rows(index)]
        for each in IN_ORDER
    ]
    order = [*frames, *chance.sample(frames, 4)]
    chance.shuffle(order)
    writers = [store, place.open(), place.open()]
    for start in range(0, len(order), 3):
        writes = zip(writers, order[start : start + 3], strict=False)
        await asyncio.gather(*(writer.upsert(frame) for writer, frame in writes))
    expected = [row for index in told for row in max(told[index], key=IN_ORDER.index).rows(index)]
    assert await read(store) == expected


async def test_a_cancelled_photo_counts_as_such_until_it_is_done(store: RecordStore) -> None:
    await store.upsert([a_row(0), a_failed_row(1), a_cancelled_row(2), a_cancelled_row(3)])
    assert await store.counts(BATCH) == {"completed": 1, "failed": 1, "cancelled": 2}
    await store.upsert([a_row(2, run=2), a_row(2, 1, run=2)])
    assert await store.counts(BATCH) == {"completed": 2, "failed": 1, "cancelled": 1}


async def test_a_row_that_is_not_replaced_is_not_touched(place: Place, store: RecordStore) -> None:
    await store.upsert([a_row(run=2), a_row(face=1, run=2)])
    before = place.execute("SELECT * FROM data_records ORDER BY id")
    await asyncio.sleep(0.01)
    for row in (a_row(), a_failed_row(run=2), a_cancelled_row(run=3)):
        await store.upsert([row])
    assert place.execute("SELECT * FROM data_records ORDER BY id") == before
