"""Waiting for a service that is away: the work stays where it is, no attempt is spent."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from streamapp.errors import Fate, StreamappError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

_log = logging.getLogger(__name__)


async def patiently(action: Callable[[], Awaitable[T]]) -> T:
    """What ``action`` returns, tried again for as long as a service it needs is away.

    Raises:
        StreamappError: of any other fate than *wait*, as ``action`` raised it.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await action()
        except StreamappError as error:
            if error.fate is not Fate.WAIT:
                raise
            _log.warning("%s: %s Trying again in %.1f s.", error.code.code, error, pause)
        await asyncio.sleep(pause)
        pause = longer(pause)


def longer(pause_s: float) -> float:
    """The pause after one of ``pause_s`` seconds that was not long enough."""
    return min(2 * pause_s, LONGEST_PAUSE_S)
