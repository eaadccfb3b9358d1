"""What a database that is a server of its own adds: it goes away, hangs, refuses and deadlocks."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from connectors.records.mysql import MysqlRecords
from ops.services.mariadb import MariadbServer
from streamapp.errors import Code, StreamappError
from tests.fixtures_mariadb import connect, execute
from tests.photo_records import BATCH, a_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@asynccontextmanager
async def opened(url: str, *, timeout_s: float = 30.0) -> AsyncIterator[MysqlRecords]:
    store = MysqlRecords.from_url(url, timeout_s=timeout_s)
    try:
        yield store
    finally:
        await store.close()


async def away(store: MysqlRecords, *, within_s: float) -> str:
    """The particulars of the RECORDS_AWAY that a write and a count raise in time."""
    for call in (store.upsert([a_row()]), store.counts(BATCH)):
        started = time.monotonic()
        with pytest.raises(StreamappError) as raised:
            await call
        assert raised.value.code is Code.RECORDS_AWAY
        assert time.monotonic() - started < within_s
    return raised.value.detail


async def test_a_killed_database_is_away_and_back_after_its_restart(tmp_path: Path) -> None:
    with MariadbServer(tmp_path) as server:
        async with opened(server.url) as store:
            await store.prepare()
            await store.upsert([a_row(0)])
            os.kill(server.pid, signal.SIGKILL)
            await away(store, within_s=6)
            server.start()
            await store.upsert([a_row(1)])
            assert await store.counts(BATCH) == {"completed": 2}


async def test_a_hanging_database_is_away_in_bounded_time(tmp_path: Path) -> None:
    with MariadbServer(tmp_path) as server:
        async with opened(server.url, timeout_s=1) as store:
            await store.prepare()
            os.kill(server.pid, signal.SIGSTOP)
            try:
                await away(store, within_s=3)
            finally:
                os.kill(server.pid, signal.SIGCONT)
            await store.upsert([a_row()])
            assert await store.counts(BATCH) == {"completed": 1}


async def test_a_server_that_does_not_greet_is_away_sooner_than_a_call_may_take() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql://u:p@127.0.0.1:{silent.getsockname()[1]}/streamapp"
        async with opened(url) as store:
            started = time.monotonic()
            with pytest.raises(StreamappError) as raised:
                await store.prepare()
    assert raised.value.code is Code.RECORDS_AWAY
    assert time.monotonic() - started < 8


REFUSALS: dict[str, Callable[[str], str]] = {
    "nobody listens": lambda url: urlsplit(url)._replace(netloc="u:p@127.0.0.1:1").geturl(),
    "no such host": lambda url: urlsplit(url)._replace(netloc="u:p@nowhere.invalid").geturl(),
    "no such user": lambda url: url.replace("://", "://not-"),
    "no such database": lambda url: url + "_missing",
    "no schema yet": lambda url: url,
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_database_that_refuses_is_away(mysql_url: str, refusal: str) -> None:
    async with opened(REFUSALS[refusal](mysql_url)) as store:
        detail = await away(store, within_s=6)
    assert detail
    password = urlsplit(mysql_url).password
    assert password
    assert password not in detail


async def test_idle_connections_the_server_closed_are_not_noticed(mysql_url: str) -> None:
    async with opened(mysql_url) as store:
        await store.prepare()
        await asyncio.gather(*(store.counts(BATCH) for _ in range(8)))
        mine = execute(
            mysql_url,
            "SELECT id FROM information_schema.processlist "
            "WHERE db = DATABASE() AND id <> CONNECTION_ID()",
        )
        assert len(mine) > 1
        for (connection,) in mine:
            execute(mysql_url, f"KILL {connection}")
        await store.upsert([a_row()])
        assert await store.counts(BATCH) == {"completed": 1}


async def test_a_deadlock_is_tried_again(mysql_url: str) -> None:
    rows = [a_row(index) for index in range(100)]
    async with opened(mysql_url) as store:
        await store.prepare()
        await store.upsert(rows)
        with connect(mysql_url) as other, other.cursor() as cursor:
            # The other transaction changed more rows, so the store's is the one that is ended.
            cursor.execute("BEGIN")
            cursor.execute("UPDATE data_records SET face_x = 7 WHERE id >= %s", (rows[10].id,))
            write = asyncio.create_task(store.upsert(rows))
            await _waits_for_a_lock(mysql_url)
            await asyncio.to_thread(cursor.execute, "UPDATE data_records SET face_x = 7")
            cursor.execute("COMMIT")
        await write
        assert [row async for row in store.rows(BATCH)] == rows


async def _waits_for_a_lock(url: str) -> None:
    deadline = time.monotonic() + 10
    sql = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    while not await asyncio.to_thread(execute, url, sql):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_row_the_database_does_not_take_fails_the_call_as_a_whole(mysql_url: str) -> None:
    megabytes = [a_row(index, photo_name="x" * 1_000) for index in range(2_000)]
    async with opened(mysql_url) as store:
        await store.prepare()
        with pytest.raises(StreamappError) as raised:
            await store.upsert([*megabytes, a_row(id="x" * 500)])
        assert raised.value.code is Code.INTERNAL
        assert await store.counts(BATCH) == {}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://",
        "mysql://u:secret@host",
        "mysql://u:secret@host/",
        "mysql://u:secret@host:99999/streamapp",
        "mysql://u:secret@[host/streamapp",
        "mysql://u:secret@host/streamapp?ssl=on",
        "postgres://u:secret@host/streamapp",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StreamappError) as raised:
        MysqlRecords.from_url(url)
    assert raised.value.code is Code.SETTING_INVALID
    assert "secret" not in str(raised.value)


async def test_a_password_may_be_percent_encoded(mysql_url: str) -> None:
    user = f"odd_{uuid.uuid4().hex[:12]}"
    parts = urlsplit(mysql_url)
    execute(mysql_url, f"CREATE USER {user}@'%' IDENTIFIED BY 'p@ss/w:rd%'")
    execute(mysql_url, f"GRANT ALL ON {parts.path.strip('/')}.* TO {user}@'%'")
    host = parts.netloc.rpartition("@")[2]
    url = parts._replace(netloc=f"{user}:p%40ss%2Fw%3Ard%25@{host}").geturl()
    try:
        async with opened(url) as store:
            await store.prepare()
    finally:
        execute(mysql_url, f"DROP USER {user}@'%'")
