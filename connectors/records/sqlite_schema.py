"""The steps to the schema on SQLite, made in one transaction that keeps other writers out.

WAL stays with the file: readers and the one writer of the moment do not wait for each other. The
switch to it does not itself wait for other processes.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import TYPE_CHECKING

from connectors.records import migrations

if TYPE_CHECKING:
    import aiosqlite

_IS_NOTED = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'streamapp_schema'"
_NOTES = (
    "CREATE TABLE IF NOT EXISTS streamapp_schema ("
    "version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, "
    "applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')))"
)


async def applied(connection: aiosqlite.Connection) -> set[int]:
    """The versions that the database has; none before its first step."""
    if not list(await connection.execute_fetchall(_IS_NOTED)):
        return set()
    return {version for (version,) in await connection.execute_fetchall(migrations.APPLIED)}


async def apply(connection: aiosqlite.Connection, *, patience_s: float) -> None:
    """Make the steps that are missing; whoever comes meanwhile waits, and finds them made."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
            await connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
        else:
            break
        await asyncio.sleep(0.02)
    await connection.execute(_NOTES)
    for step in migrations.pending("sqlite", await applied(connection)):
        for statement in step.statements:
            await connection.execute(statement)
        await connection.execute(migrations.NOTE, (step.version, step.name))
    await connection.commit()
