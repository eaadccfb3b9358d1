"""A real MariaDB for the tests: a given one, or a private one for the session."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pymysql
import pytest

from ops.services.mariadb import MariadbServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def mariadb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on which databases may be made: ``STREAMAPP_TEST_MYSQL``, or one of our own."""
    if given := os.environ.get("STREAMAPP_TEST_MYSQL"):
        yield given
        return
    with MariadbServer(tmp_path_factory.mktemp("mariadb")) as server:
        yield server.url


@pytest.fixture
def mysql_url(mariadb_url: str) -> Iterator[str]:
    """An empty database of this test's own, gone after it."""
    name = f"test_{uuid.uuid4().hex}"
    execute(mariadb_url, f"CREATE DATABASE {name}")
    yield urlsplit(mariadb_url)._replace(path=f"/{name}").geturl()
    execute(mariadb_url, f"DROP DATABASE {name}")


def connect(url: str) -> pymysql.Connection[pymysql.cursors.Cursor]:
    """A connection of the test's own, closed by ``with``."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/"),
        autocommit=True,
    )


def execute(url: str, sql: str) -> list[tuple[object, ...]]:
    """What a statement gives, sent to the database as a person with a client would."""
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
