"""One request at a time for each upload of this process, the newest first.

A client whose connection broke comes back before the uploader knows that the old one is dead. So
a newcomer does not wait for the older request to end by itself: that one is asked to give way,
stores what it has and ends.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GIVE_WAY_S = 60.0
"""Longest time a newcomer waits; a store that hangs may take as long to take the last bytes."""


class Turn:
    """The time in which one request alone has an upload."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self._asked = False
        self._scope: asyncio.Timeout | None = None

    def give_way(self) -> None:
        """End the holder's `interruptible` block, the running or the next one."""
        self._asked = True
        if self._scope:
            self._scope.reschedule(0.0)
            self._scope = None

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """A block of waiting for the client.

        Raises:
            StreamappError: ``UPLOAD_LOCKED``, when another request wants the upload.
        """
        if self._asked:
            raise StreamappError(Code.UPLOAD_LOCKED)
        try:
            async with asyncio.timeout(None) as self._scope:
                yield
        except TimeoutError:
            raise StreamappError(Code.UPLOAD_LOCKED) from None
        finally:
            self._scope = None


class Turns:
    """The turns of all uploads."""

    def __init__(self, give_way_s: float = GIVE_WAY_S) -> None:
        self._give_way_s = give_way_s
        self._turns: dict[str, Turn] = {}

    @asynccontextmanager
    async def turn(self, upload: str) -> AsyncIterator[Turn]:
        """A turn at the upload.

        Raises:
            StreamappError: ``UPLOAD_LOCKED``, when the older request does not end in time.
        """
        try:
            async with asyncio.timeout(self._give_way_s):
                while older := self._turns.get(upload):
                    older.give_way()
                    await older.over.wait()
        except TimeoutError:
            raise StreamappError(Code.UPLOAD_LOCKED) from None
        turn = self._turns[upload] = Turn()
        try:
            yield turn
        finally:
            del self._turns[upload]
            turn.over.set()
