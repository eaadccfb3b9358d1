"""The schema's steps: from nothing or from any earlier release, once, whoever comes at once."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from connectors.records import migrations
from connectors.records.mysql import MysqlRecords
from streamapp.errors import Code, StreamappError
from tests.batch_records import a_batch
from tests.contract.record_stores import read
from tests.fixtures_mariadb import execute
from tests.photo_records import BATCH, a_failed_row, a_row

if TYPE_CHECKING:
    from connectors.records.migrations import Dialect
    from tests.contract.record_stores import Place

LATEST = 5
NOTE = "INSERT INTO streamapp_schema (version, name)"
ROW = "INSERT INTO data_records"
PREPARER = """
import asyncio, sys
from pathlib import Path
from connectors.records.mysql import MysqlRecords
from connectors.records.sqlite import SqliteRecords

async def main(at):
    store = MysqlRecords.from_url(at) if "://" in at else SqliteRecords(Path(at))
    sys.stdout.write("here\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    await store.prepare()
    await store.close()

asyncio.run(main(sys.argv[1]))
"""


def dialect_of(place: Place) -> Dialect:
    return "sqlite" if isinstance(place.address, Path) else "mysql"


def make_first_step_only(place: Place) -> None:
    """As releases did that had no steps."""
    for statement in migrations.migrations(dialect_of(place))[0].statements:
        place.execute(statement)


def noted(place: Place) -> list[int]:
    return [
        int(version)
        for (version,) in place.execute("SELECT version FROM streamapp_schema ORDER BY version")
    ]


async def test_a_new_database_gets_every_step(place: Place) -> None:
    store = place.open()
    assert [step.applied for step in await store.schema()] == [False] * LATEST
    await store.prepare()
    assert [step.applied for step in await store.schema()] == [True] * LATEST
    assert noted(place) == list(range(1, LATEST + 1))


async def test_asking_for_the_steps_makes_none(place: Place) -> None:
    await place.open().schema()
    if isinstance(place.address, Path):
        assert not place.address.exists()
    else:
        assert place.execute("SHOW TABLES") == []


async def test_a_database_of_a_release_without_steps_is_taken_over_as_it_is(place: Place) -> None:
    make_first_step_only(place)
    columns, values = zip(
        *{
            "id": BATCH + "-00000000",
            "batch_id": BATCH,
            "project_id": "project",
            "photo_index": 0,
            "face_index": 0,
            "photo_name": "portraits/0.jpg",
            "processing_status": "failed",
            "face_detected": 0,
            "error_code": "photo_broken",
            "error_detail": "truncated after 17 bytes",
            "finished_at": "2023-11-14 22:13:20.123456",
        }.items(),
        strict=True,
    )
    place.execute(f"{ROW} ({', '.join(columns)}) VALUES {values}")
    store = place.open()
    await store.prepare()
    assert await read(store) == [a_failed_row()]
    assert noted(place) == list(range(1, LATEST + 1))
    await store.upsert([a_row()])
    assert await store.photos(BATCH, state="completed") == [a_row()]


async def test_a_step_that_a_crash_left_unnoted_is_met_again(place: Place) -> None:
    await place.open().prepare()
    place.execute("DELETE FROM streamapp_schema WHERE version > 1")
    store = place.open()
    await store.prepare()
    assert noted(place) == list(range(1, LATEST + 1))


async def test_those_who_come_at_once_make_what_is_left(place: Place) -> None:
    await place.open().prepare()
    await place.stores[0].upsert([a_row(), a_row(face=1)])
    for sql in ("DELETE FROM streamapp_schema WHERE version > 1", "DROP TABLE batches"):
        place.execute(sql)
    await asyncio.gather(*(place.open().prepare() for _ in range(8)))
    assert noted(place) == list(range(1, LATEST + 1))
    assert await read(place.stores[0]) == [a_row(), a_row(face=1)]
    assert await place.stores[0].batches() == []


async def test_a_database_of_a_later_release_is_refused_and_not_touched(place: Place) -> None:
    await place.open().prepare()
    place.execute(f"{NOTE} VALUES ({LATEST + 4}, 'from the future')")
    place.execute("DELETE FROM streamapp_schema WHERE version = 2")
    store = place.open()
    for call in (store.prepare, store.schema):
        with pytest.raises(StreamappError) as raised:
            await call()
        assert raised.value.code is Code.RECORDS_NEWER
        assert str(LATEST + 4) in raised.value.detail
    assert noted(place) == [1, *range(3, LATEST + 1), LATEST + 4]


async def test_processes_that_start_at_once_make_each_step_once(place: Place) -> None:
    make_first_step_only(place)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", PREPARER, str(place.address), stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"here\n"
    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [complaints for _, complaints in ends] == [b""] * len(processes)
    assert noted(place) == list(range(1, LATEST + 1))
    store = place.open()
    await store.upsert([a_row()])
    await store.upsert_batch(a_batch())
    assert await store.photos(BATCH, state="completed") == [a_row()]


async def test_who_may_not_change_the_schema_goes_on_with_one_that_is_made(mysql_url: str) -> None:
    maker = MysqlRecords.from_url(mysql_url)
    await maker.prepare()
    await maker.close()
    parts = urlsplit(mysql_url)
    name = parts.path.strip("/")
    user = f"w_{name[-12:]}"
    execute(mysql_url, f"CREATE USER {user}@'%' IDENTIFIED BY 'secret'")
    execute(mysql_url, f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {user}@'%'")
    host = parts.netloc.rpartition("@")[2]
    store = MysqlRecords.from_url(parts._replace(netloc=f"{user}:secret@{host}").geturl())
    try:
        await store.prepare()
        await store.upsert([a_row()])
        assert await read(store) == [a_row()]
    finally:
        await store.close()
        execute(mysql_url, f"DROP USER {user}@'%'")


async def test_who_comes_while_the_steps_are_made_waits_for_their_end(place: Place) -> None:
    """Whoever holds the lock is another process; the test takes it as one would."""
    store = place.open()
    with place.locked() as release:
        preparing = asyncio.create_task(store.prepare())
        done, _ = await asyncio.wait([preparing], timeout=0.5)
        assert not done
        release()
        await preparing
    assert noted(place) == list(range(1, LATEST + 1))


def test_both_databases_know_the_same_steps() -> None:
    known = {
        dialect: [(each.version, each.name) for each in migrations.migrations(dialect)]
        for dialect in ("mysql", "sqlite")
    }
    assert known["mysql"] == known["sqlite"]
    assert [version for version, _ in known["mysql"]] == list(range(1, LATEST + 1))


def test_a_step_of_mysql_is_one_statement_since_it_cannot_be_rolled_back() -> None:
    assert {len(each.statements) for each in migrations.migrations("mysql")} == {1}
