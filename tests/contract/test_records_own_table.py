"""A table of the installation's own is kept up beside ours, in SQLite and in a real MariaDB."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.records.mysql import MysqlRecords
from connectors.records.own_table import OwnTable
from connectors.records.sqlite import SqliteRecords
from streamapp.errors import Code, StreamappError
from tests.photo_records import a_cancelled_row, a_failed_row, a_queued_row, a_row

if TYPE_CHECKING:
    from connectors.records.interface import RecordStore
    from tests.contract.record_stores import Place

COLUMNS = "file=photo_name, state=processing_status, face=face_detected, crop=cropped_photo_url"
URL = "http://store/bucket/crops/batch-1/00000000.jpg"


def opened(place: Place, columns: str = COLUMNS, table: str = "people") -> RecordStore:
    at, own = place.address, OwnTable.parse(table, columns)
    store: RecordStore = (
        SqliteRecords(at, own_table=own)
        if isinstance(at, Path)
        else MysqlRecords.from_url(at, own_table=own)
    )
    place.stores.append(store)
    return store


@pytest.fixture
async def store(place: Place) -> RecordStore:
    place.execute(
        "CREATE TABLE people (person INTEGER PRIMARY KEY, file VARCHAR(100) NOT NULL, "
        "state VARCHAR(20), face INTEGER, crop VARCHAR(100), project VARCHAR(20))"
    )
    files = ("0.jpg", "portraits/1.jpg", "2.jpg", "9.jpg")
    for person, file in enumerate(files):
        place.execute(f"INSERT INTO people VALUES ({person}, '{file}', 'new', NULL, NULL, 'p')")  # noqa: S608
    store = opened(place)
    await store.prepare()
    return store


def people(place: Place) -> list[tuple[Any, ...]]:
    return place.execute("SELECT file, state, face, crop FROM people ORDER BY person")


async def test_its_rows_are_found_by_the_photos_name_with_or_without_folders(
    place: Place, store: RecordStore
) -> None:
    await store.upsert([a_row(0), a_row(0, 1), a_failed_row(1), a_queued_row(2), a_row(3)])
    assert people(place) == [
        ("0.jpg", "completed", 1, URL),
        ("portraits/1.jpg", "failed", 0, None),
        ("2.jpg", "queued", 0, None),
        ("9.jpg", "new", None, None),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_it_tells_the_outcome_that_is_left_whatever_came_last(
    place: Place, store: RecordStore, seed: int
) -> None:
    told = [a_queued_row(), a_cancelled_row(), a_failed_row(), a_row()]
    for row in [*told[seed:], *told[:seed]]:
        await store.upsert([row])
    assert people(place)[0] == ("0.jpg", "completed", 1, URL)


async def test_a_column_for_the_project_tells_equal_names_apart(
    place: Place, store: RecordStore
) -> None:
    del store
    place.execute("INSERT INTO people VALUES (7, '0.jpg', 'new', NULL, NULL, 'other')")
    other = opened(place, f"{COLUMNS}, project=project_id")
    await other.upsert([a_row(project_id="other")])
    assert [state for _, state, _, _ in people(place)] == ["new"] * 4 + ["completed"]


async def test_without_a_map_its_columns_are_called_as_ours(place: Place) -> None:
    place.execute(
        "CREATE TABLE own (photo_name VARCHAR(99), processing_status VARCHAR(20), "
        "face_detected INTEGER, cropped_photo_url VARCHAR(99))"
    )
    place.execute("INSERT INTO own (photo_name) VALUES ('0.jpg')")
    store = opened(place, "", "own")
    await store.prepare()
    await store.upsert([a_row()])
    assert place.execute("SELECT * FROM own") == [("0.jpg", "completed", 1, URL)]


async def test_writers_at_once_leave_it_as_one_after_the_other(
    place: Place, store: RecordStore
) -> None:
    stores = [store, opened(place), opened(place)]
    rows = [[a_row(n), a_failed_row(n), a_queued_row(n)] for n in (0, 2)]
    await asyncio.gather(
        *(each.upsert([row]) for of in rows for each, row in zip(stores, of, strict=True))
    )
    assert [people(place)[n][1] for n in (0, 2)] == ["completed", "completed"]


async def test_a_table_that_is_missing_is_an_outage_until_it_is_there(place: Place) -> None:
    store = opened(place, "", "later")
    await store.prepare()
    with pytest.raises(StreamappError) as raised:
        await store.upsert([a_row()])
    assert raised.value.code is Code.RECORDS_AWAY
    assert await store.counts("batch-1") == {}
    place.execute(
        "CREATE TABLE later (photo_name VARCHAR(9), processing_status VARCHAR(4) NOT NULL, "
        "face_detected INTEGER, cropped_photo_url VARCHAR(10) NOT NULL DEFAULT '')"
    )
    await store.upsert([a_row()])
    assert await store.counts("batch-1") == {"completed": 1}


async def test_what_does_not_fit_a_column_fails_no_row(place: Place) -> None:
    place.execute(
        "CREATE TABLE narrow (photo_name VARCHAR(9), processing_status VARCHAR(4) NOT NULL, "
        "face_detected INTEGER, cropped_photo_url VARCHAR(10) NOT NULL DEFAULT '')"
    )
    place.execute("INSERT INTO narrow VALUES ('0.jpg', '', 0, ''), ('1.jpg', '', 0, '')")
    store = opened(place, "photo_name, processing_status, face_detected", "narrow")
    await store.prepare()
    await store.upsert([a_row(), a_failed_row(1)])
    assert await store.counts("batch-1") == {"completed": 1, "failed": 1}
    states = [state for (state,) in place.execute("SELECT processing_status FROM narrow")]
    assert all(state.startswith(("comp", "fail")) for state in states)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("data_records", ""),
        ("BATCHES", ""),
        ("webhooks", ""),
        ("people; DROP TABLE people", ""),
        ("people`", ""),
        ("people", "state=processing_status"),
        ("people", "file=photo_name"),
        ("people", "file=photo_name, project=project_id"),
        ("people", "a=photo_name, b=photo_name, c=run"),
        ("people", "file=photo_name, state=nothing"),
        ("people", "file=photo_name, st`ate=processing_status"),
        ("people", "file=photo_name,, state=processing_status"),
    ],
)
def test_a_table_or_a_map_that_cannot_be_is_refused(table: str, columns: str) -> None:
    with pytest.raises(StreamappError) as raised:
        OwnTable.parse(table, columns)
    assert raised.value.code is Code.SETTING_INVALID
