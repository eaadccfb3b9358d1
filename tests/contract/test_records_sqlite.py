"""What a database that is a file adds: it may be missing, locked, and shared by processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from connectors.records.sqlite import SqliteRecords
from streamapp.errors import Code, StreamappError
from tests.photo_records import BATCH, a_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITER = """
import asyncio, sys
from pathlib import Path
from connectors.records.sqlite import SqliteRecords
from tests.photo_records import a_row

async def main(path, first):
    store = SqliteRecords(path)
    await store.prepare()
    for index in range(first, first + 100):
        await store.upsert([a_row(index), a_row(0)])
    await store.close()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_processes_write_the_same_new_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(path), str(first), stderr=subprocess.PIPE
        )
        for first in (0, 100, 200, 300)
    ]
    for writer in writers:
        _, complaints = await writer.communicate()
        assert complaints == b""
    store = SqliteRecords(path)
    assert await store.counts(BATCH) == {"completed": 400}
    await store.close()


@pytest.mark.parametrize("attempt", range(10))
async def test_eight_may_make_the_file_at_once(tmp_path: Path, attempt: int) -> None:
    stores = [SqliteRecords(tmp_path / f"{attempt}.sqlite") for _ in range(8)]
    await asyncio.gather(*(store.prepare() for store in stores))
    for store in stores:
        await store.close()


async def test_a_file_that_cannot_be_opened_is_away_until_it_can(tmp_path: Path) -> None:
    store = SqliteRecords(tmp_path / "later" / "records.sqlite")
    with pytest.raises(StreamappError) as raised:
        await store.prepare()
    assert raised.value.code is Code.RECORDS_AWAY
    (tmp_path / "later").mkdir()
    await store.prepare()
    await store.upsert([a_row()])
    assert await store.counts(BATCH) == {"completed": 1}
    await store.close()


async def test_a_file_that_is_no_database_is_away(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    store = SqliteRecords(path)
    with pytest.raises(StreamappError) as raised:
        await store.counts(BATCH)
    assert raised.value.code is Code.RECORDS_AWAY
    await store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


async def test_a_full_disk_is_an_outage_and_loses_nothing_that_was_there(small_disk: Path) -> None:
    store = SqliteRecords(small_disk / "records.sqlite")
    try:
        await store.prepare()
        await store.upsert([a_row(0)])
        with pytest.raises(StreamappError) as caught:
            await store.upsert([a_row(index) for index in range(1, 20_000)])
        assert caught.value.code is Code.RECORDS_AWAY
        assert [row.photo_index async for row in store.rows(BATCH)] == [0]
    finally:
        await store.close()
