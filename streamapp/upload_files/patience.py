"""How long to go on asking an uploader that fails, and how often.

Pauses grow and are random, so that many clients do not come back at once.
"""

from __future__ import annotations

import asyncio
import random
import time

from streamapp.errors import Code, StreamappError
from streamapp.upload_files.lines import duration

PAUSE_S = 0.5
PAUSE_S_MAX = 30.0
ADVICE = "Is it running (./ops/up), or elsewhere (--url URL)?"
"""What to look at when the uploader does not answer."""


class Patience:
    """Pauses that grow until something moved, and an end when nothing did for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Something moved."""
        self._since = time.monotonic()
        self._pauses = 0

    def check(self, error: StreamappError) -> None:
        """Raise ``error`` when nothing moved for too long."""
        if self._waited_s() < self._seconds:
            return
        waited = f"nothing moved for {duration(self._seconds)}" if self._seconds else ""
        detail = "; ".join(filter(None, (error.detail, waited)))
        if error.code is Code.UPLOADER_AWAY:
            detail = f"{detail}. {ADVICE}"
        raise StreamappError(error.code, detail) from error

    async def pause(self) -> None:
        """Wait, longer than the last time."""
        left_s = max(0.0, self._seconds - self._waited_s())
        longest = min(PAUSE_S * 2**self._pauses, PAUSE_S_MAX, left_s + PAUSE_S)
        self._pauses += 1
        await asyncio.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret

    def _waited_s(self) -> float:
        return time.monotonic() - self._since
