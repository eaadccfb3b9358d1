"""The body of a request, given up when the other side takes nothing of it any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamapp.errors import StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

STALL_S = 60.0
"""Longest time in which not a piece is taken off our hands."""
ANSWER_S = 300.0
"""Longest time after the last byte: the uploader makes an archive of the parts and judges it."""


class Body:
    """The body of a request, under a limit that moves on with every piece."""

    def __init__(self, pieces: Iterator[bytes], size: int, on_bytes: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._left = size
        self._on_bytes = on_bytes
        self.limit: asyncio.Timeout
        self.fault: StreamappError | None = None
        """What ended it; the client would tell of a failed connection instead."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, cut off after ``size`` bytes."""
        while self._left:
            try:
                piece = next(self._pieces)[: self._left]
            except StreamappError as error:
                self.fault = error
                raise
            self._allow(STALL_S)
            yield piece
            self._left -= len(piece)
            self._on_bytes(len(piece))
        self._allow(ANSWER_S)

    def _allow(self, seconds: float) -> None:
        if not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time() + seconds)
