"""A thread that ends the process when its event loop is blocked: nothing in the loop could."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

LOOK_S = 2.0

_log = logging.getLogger(__name__)


class LoopWatch(threading.Thread):
    """Asks a loop for signs of life."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        super().__init__(name="loop-watch", daemon=True)
        self._loop = loop
        self._limit_s = limit_s

    def run(self) -> None:
        """Ask the loop for a sign of life, again and again, until it is closed."""
        while not self._loop.is_closed():
            alive = threading.Event()
            with suppress(RuntimeError):  # closed meanwhile
                self._loop.call_soon_threadsafe(alive.set)
            self._await(alive)
            time.sleep(LOOK_S)

    def _await(self, alive: threading.Event) -> None:
        # Counted, not timed: to a process that was frozen it was one short wait.
        for _ in range(max(1, round(self._limit_s))):
            if alive.wait(1.0) or self._loop.is_closed():
                return
        _log.critical("This worker ends: its event loop is blocked.")
        os._exit(1)
