"""The steps to the schema on MySQL and MariaDB, made by one of those who would make them.

A lock of the server's keeps the others out; it ends with its connection, so that nobody's crash
leaves it behind. DDL commits at once: a step that was made and not noted is met again.
"""

from __future__ import annotations

from typing import Any

import pymysql

from connectors.records import migrations
from streamapp.errors import Code, StreamappError

LOCK_PATIENCE_S = 300

# A table, a column, a key that a step would make is there.
_THERE = {1050, 1060, 1061}

_IS_NOTED = (
    "SELECT 1 FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name = 'streamapp_schema'"
)
_NOTES = (
    "CREATE TABLE IF NOT EXISTS streamapp_schema ("
    "version INT NOT NULL PRIMARY KEY, name VARCHAR(191) NOT NULL, "
    "applied_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)) ENGINE = InnoDB"
)
_LOCK = "CONCAT('streamapp ', MD5(DATABASE()))"


async def applied(connection: Any) -> set[int]:
    """The versions that the database has; none before its first step."""
    async with connection.cursor() as cursor:
        await cursor.execute(_IS_NOTED)
        if not await cursor.fetchall():
            return set()
        await cursor.execute(migrations.APPLIED)
        return {version for (version,) in await cursor.fetchall()}


async def apply(connection: Any) -> None:
    """Make the steps that are missing; whoever comes meanwhile waits, and finds them made."""
    async with connection.cursor() as cursor:
        await cursor.execute(f"SELECT GET_LOCK({_LOCK}, {LOCK_PATIENCE_S})")
        if await cursor.fetchone() != (1,):
            raise StreamappError(Code.RECORDS_AWAY, "somebody else changes the schema")
        await cursor.execute(_NOTES)
        for step in migrations.pending("mysql", await applied(connection)):
            for statement in step.statements:
                await _make(cursor, statement)
            await cursor.execute(migrations.NOTE.replace("?", "%s"), (step.version, step.name))
        await cursor.execute(f"SELECT RELEASE_LOCK({_LOCK})")


async def _make(cursor: Any, statement: str) -> None:
    try:
        await cursor.execute(statement)
    except pymysql.Error as error:
        if error.args[0] not in _THERE:
            raise
