"""The watch of one batch: one looks, for all who wait for news of it.

Looks go on while anybody waits, some `LOOK_S` apart, seldomer while nothing changes. Who joins gets
nothing that was seen before: another way may have told more. That a batch's owner is away is no
news; it is waited out. A status with less processed than one told before is not told.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from streamapp.errors import Code, Fate, StreamappError
from streamapp.upload.sighting import see

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from streamapp.progress import Status
    from streamapp.upload.sighting import Sighting

LOOK_S = 0.5
LOOK_S_MAX = 2.0
GAP_S = 0.05
"""The least time between two looks, however many join."""

_log = logging.getLogger(__name__)


class Watch:
    """Looks at a batch until it is closed.

    ``begun`` looks were begun; ``seen_by`` is the number of the last that saw something, and
    ``sighting`` what it saw. ``away`` is why the last one saw nothing, and ``fault`` why there will
    be no more.
    """

    def __init__(self, batch: str, ask: Callable[[str], Awaitable[Status]]) -> None:
        self.begun = 0
        self.seen_by = 0
        self.sighting: Sighting | None = None
        self.away: StreamappError | None = None
        self.fault: StreamappError | None = None
        self.watchers = 0
        self.news = asyncio.Event()
        self._batch = batch
        self._ask = ask
        self._wanted = asyncio.Event()
        self._looking = asyncio.create_task(self._look_on())

    def join(self, known: Collection[str]) -> Watcher:
        """Another one who waits; there is a look for it soon, unless it knows what was seen."""
        if self.sighting and self.sighting.tag in known:
            return Watcher(self, self.seen_by)
        self._wanted.set()
        return Watcher(self, self.begun + 1)

    def end(self, fault: StreamappError) -> None:
        """Let all go who wait."""
        self.fault = self.fault or fault
        self._looking.cancel()
        self.news.set()

    async def close(self) -> None:
        """Look no more; returns when the last look is given up."""
        self._looking.cancel()
        await asyncio.wait({self._looking})

    async def _look_on(self) -> None:
        pause_s = LOOK_S
        while not self.fault:
            self._wanted.clear()
            changed = await self._look()
            pause_s = LOOK_S if changed else min(LOOK_S_MAX, 1.5 * pause_s)
            await asyncio.sleep(GAP_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()

    async def _look(self) -> bool:
        """Whether there is something new."""
        self.begun += 1
        number = self.begun
        try:
            status = await self._ask(self._batch)
        except StreamappError as error:
            if error.fate is Fate.WAIT:
                self.away = error
            else:
                self.end(error)
            return False
        except Exception:  # noqa: BLE001 - logged, and told to all who wait
            _log.exception("batch %s cannot be watched", self._batch)
            self.end(StreamappError(Code.INTERNAL))
            return False
        return self._see(number, status)

    def _see(self, number: int, status: Status) -> bool:
        before = self.sighting
        if before and status.progress.processed < before.status.progress.processed:
            self.away = StreamappError(Code.PROGRESS_AWAY)
            return False
        self.away, self.seen_by = None, number
        self.sighting = see(status)
        # Also without a change: somebody may have waited for this look.
        news, self.news = self.news, asyncio.Event()
        news.set()
        return before is None or before.tag != self.sighting.tag


class Watcher:
    """One who waits for news, and of looks from the number ``since`` on only."""

    def __init__(self, watch: Watch, since: int) -> None:
        self._watch = watch
        self._since = since

    async def next(self, known: Collection[str] = ()) -> Sighting:
        """The batch as it is, once its tag is not a known one; waits while its owner is away.

        Raises:
            StreamappError: ``BATCH_UNKNOWN``, also later, when it was removed; ``UPLOADER_AWAY``,
                when the uploader ends; ``INTERNAL``.
        """
        watch = self._watch
        while True:
            if watch.fault:
                raise watch.fault
            seen = watch.sighting if watch.seen_by >= self._since else None
            if seen and seen.tag not in known:
                return seen
            await watch.news.wait()

    def last(self) -> Sighting:
        """What was seen last.

        Raises:
            StreamappError: Nothing was, or it may not be true any more: ``PROGRESS_AWAY`` and what
                else is waited out.
        """
        watch = self._watch
        if watch.away or watch.sighting is None or watch.seen_by < self._since:
            raise watch.away or StreamappError(Code.PROGRESS_AWAY)
        return watch.sighting
