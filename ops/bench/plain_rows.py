"""Rows inserted by the databases' clients alone, for `records` to be held against."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import pymysql


class Plain(Protocol):
    """Inserts rows into a table of its own, with a primary key and no index."""

    def rate(self, rows: Sequence[tuple[Any, ...]], columns: Sequence[str], size: int) -> float:
        """Rows a second, ``size`` in a transaction."""
        ...


class PlainMysql:
    """By pymysql, many rows in a statement."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def rate(self, rows: Sequence[tuple[Any, ...]], columns: Sequence[str], size: int) -> float:
        """Rows a second."""
        connection = pymysql.connect(
            host=self._url.hostname,
            port=self._url.port or 3306,
            user=unquote(self._url.username or ""),
            password=unquote(self._url.password or ""),
            database=self._url.path.strip("/"),
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE plain AS SELECT * FROM data_records LIMIT 0")
            cursor.execute("ALTER TABLE plain ADD PRIMARY KEY (id)")
            began = time.perf_counter()
            for start in range(0, len(rows), size):
                cursor.executemany(_insert(columns, "%s"), rows[start : start + size])
                connection.commit()
            return len(rows) / (time.perf_counter() - began)


class PlainSqlite:
    """By sqlite3."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rate(self, rows: Sequence[tuple[Any, ...]], columns: Sequence[str], size: int) -> float:
        """Rows a second."""
        with closing(sqlite3.connect(self._path)) as connection:
            connection.execute("CREATE TABLE plain AS SELECT * FROM data_records LIMIT 0")
            connection.execute("CREATE UNIQUE INDEX plain_id ON plain (id)")
            began = time.perf_counter()
            for start in range(0, len(rows), size):
                connection.executemany(_insert(columns, "?"), rows[start : start + size])
                connection.commit()
            return len(rows) / (time.perf_counter() - began)


def _insert(columns: Sequence[str], place: str) -> str:
    places = ", ".join([place] * len(columns))
    return f"INSERT INTO plain ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - ours
