"""A few connections that are lent out one call at a time and reused.

A connection that met an exception is closed and never lent again, whatever state it is in, so an
open transaction is rolled back and a call after an outage connects anew.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

C = TypeVar("C")


class Connections(Generic[C]):
    """At most ``size`` connections, made by ``connect`` when needed and ended by ``close``."""

    def __init__(
        self,
        size: int,
        *,
        connect: Callable[[], Awaitable[C]],
        close: Callable[[C], Awaitable[None]],
    ) -> None:
        self._slots = asyncio.Semaphore(size)
        self._connect = connect
        self._close = close
        self._idle: list[C] = []
        self._kept = True

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[C]:
        """A connection for the time of the ``async with`` block; waits when all are lent."""
        async with self._slots:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
            except BaseException:
                # What broke this one has most likely broken the idle ones too.
                self._idle.append(connection)
                await self._close_idle()
                raise
            self._idle.append(connection)
            if not self._kept:
                await self._close_idle()

    async def close(self) -> None:
        """Close the idle connections now and the lent ones as they come back."""
        self._kept = False
        await self._close_idle()

    async def _close_idle(self) -> None:
        while self._idle:
            await self._close(self._idle.pop())
