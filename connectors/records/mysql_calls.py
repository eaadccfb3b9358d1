"""Calls to a MySQL or MariaDB server that end in time and may be repeated.

A deadlock, a lock that was not got, and a connection that the server closed while it was idle are
tried again, a few times. What remains leaves as `StreamappError`: ``RECORDS_AWAY`` when the server
is away, refuses, lacks the schema or does not answer in time, ``INTERNAL`` when it refuses a row.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

import aiomysql
import pymysql

from connectors.records.connections import Connections
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0
ATTEMPTS = 5

# Deadlock, lock wait timeout; server gone, connection lost.
_WORTH_REPEATING = {1213, 1205, 2006, 2013}

# Warnings are not kept: aiomysql would fetch them and make them Python's, and MySQL warns of
# VALUES(column), whose successor MariaDB does not know.
_SESSION = "SET time_zone = '+00:00', innodb_lock_wait_timeout = 5, max_error_count = 0"


@dataclass(frozen=True, slots=True)
class MysqlAddress:
    """Where a database is and who asks; the password does not print."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The address in ``mysql://user:password@host:port/database``, percent-encoded as usual.

        Raises:
            StreamappError: ``SETTING_INVALID``; the URL, which holds a password, is not repeated.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 3306
        except ValueError:
            raise _bad_url() from None
        database = unquote(parts.path.removeprefix("/"))
        if parts.scheme != "mysql" or not parts.hostname or not database or parts.query:
            raise _bad_url()
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port, user, password, database)

    def __str__(self) -> str:
        """For messages: ``mysql host:port/database``."""
        return f"mysql {self.host}:{self.port}/{self.database}"


class MysqlCalls:
    """Runs calls on at most ``pool_size`` connections, each call within ``timeout_s``.

    Hanging up may take a second more.
    """

    def __init__(self, address: MysqlAddress, *, pool_size: int, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._connections = Connections(pool_size, connect=self._connect, close=_hang_up)

    async def run(
        self, work: Callable[[Any], Awaitable[T]], *, timeout_s: float | None = None
    ) -> T:
        """What ``work`` gives on an aiomysql connection; it may be run more than once."""
        try:
            async with asyncio.timeout(timeout_s or self._timeout_s):
                return await self._attempt(work)
        except (pymysql.DataError, pymysql.IntegrityError) as error:
            raise StreamappError(Code.INTERNAL, f"{self._address}: {error}") from error
        except TimeoutError as error:
            detail = f"{self._address}: no answer in time"
            raise StreamappError(Code.RECORDS_AWAY, detail) from error
        except (pymysql.Error, OSError) as error:
            raise StreamappError(Code.RECORDS_AWAY, f"{self._address}: {error}") from error

    async def close(self) -> None:
        """Let go of the connections."""
        await self._connections.close()

    async def _attempt(self, work: Callable[[Any], Awaitable[T]]) -> T:
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._connections.lend() as connection:
                    return await work(connection)
            except pymysql.Error as error:
                if attempt == ATTEMPTS or error.args[0] not in _WORTH_REPEATING:
                    raise
            await asyncio.sleep(0.02 * attempt)

    async def _connect(self) -> Any:
        # aiomysql's own connect_timeout ends before the handshake.
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await aiomysql.connect(
                host=self._address.host,
                port=self._address.port,
                user=self._address.user,
                password=self._address.password,
                db=self._address.database,
                charset="utf8mb4",
                autocommit=True,
                init_command=_SESSION,
            )


def _bad_url() -> StreamappError:
    expected = "mysql://user:password@host:port/database"
    return StreamappError(Code.SETTING_INVALID, f"RECORDS_URL is not {expected}")


async def _hang_up(connection: Any) -> None:
    with suppress(pymysql.Error, OSError):
        async with asyncio.timeout(1):
            await connection.ensure_closed()
    connection.close()
    await asyncio.sleep(0)  # the transport ends in the loop's next round
