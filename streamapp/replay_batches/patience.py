"""A service that is away for a moment holds a command up, and for longer ends it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from streamapp.errors import Fate, StreamappError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

PATIENCE_S = 60.0
"""Longer than a worker takes to be replaced by another."""

PAUSE_S = 1.0


async def patiently(work: Callable[[], Awaitable[T]], say: Callable[[str], None]) -> T:
    """The result of ``work``, which is done again while a service is away; ``say`` hears of it.

    Raises:
        StreamappError: what ``work`` raised; of fate *wait* only after `PATIENCE_S`.
    """
    give_up_at = time.monotonic() + PATIENCE_S
    told = False
    while True:
        try:
            return await work()
        except StreamappError as error:
            if error.fate is not Fate.WAIT or time.monotonic() > give_up_at:
                raise
            if not told:
                say(f"waiting: {error}")
                told = True
        await asyncio.sleep(PAUSE_S)
