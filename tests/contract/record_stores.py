"""A database of a test's own, SQLite or MariaDB, and the rows in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.records.mysql import MysqlRecords
from connectors.records.sqlite import SqliteRecords
from tests.fixtures_mariadb import connect, execute
from tests.photo_records import BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.records.interface import PhotoRecord, RecordStore


class Place:
    """A database of the test's own: stores that share it, and what a person sees in it."""

    def __init__(self, address: str | Path) -> None:
        self.address = address
        self.stores: list[RecordStore] = []

    def open(self) -> RecordStore:
        at = self.address
        self.stores.append(SqliteRecords(at) if isinstance(at, Path) else MysqlRecords.from_url(at))
        return self.stores[-1]

    @contextmanager
    def locked(self) -> Iterator[Callable[[], object]]:
        """Hold what whoever changes the schema holds, until what is given is called."""
        if isinstance(self.address, str):
            with connect(self.address) as other, other.cursor() as cursor:
                lock = "CONCAT('streamapp ', MD5(DATABASE()))"
                cursor.execute(f"DO GET_LOCK({lock}, 10)")
                yield lambda: cursor.execute(f"DO RELEASE_LOCK({lock})")
            return
        with closing(sqlite3.connect(self.address, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            yield connection.rollback

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        if isinstance(self.address, str):
            return execute(self.address, sql)
        with closing(sqlite3.connect(self.address, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()


async def read(store: RecordStore, batch: str = BATCH) -> list[PhotoRecord]:
    return [row async for row in store.rows(batch)]
