"""One circuit per service: closed while it answers, open while it is away and the work waits.

While a circuit is open a single caller tries, after pauses that grow; the others wait for it, so
that a service which comes back is not met by all at once, and go on the moment it does. Nobody's
attempt is spent, and nothing is kept but what each caller holds anyway.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self, TypeVar

from streamapp.errors import Fate, StreamappError
from streamapp.stream import patience

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Circuit:
    """What the callers of one service know of it."""

    def __init__(self, service: str, clock: Callable[[], float]) -> None:
        """Closed at first; ``clock`` tells the seconds that `since` counts in."""
        self.service = service
        self.since = clock()
        """When it was opened or closed last."""
        self.openings = 0
        self._clock = clock
        self._reason: str | None = None
        self._closed = asyncio.Event()
        self._closed.set()
        self._probing = asyncio.Lock()
        self._pause_s = patience.FIRST_PAUSE_S

    @property
    def is_open(self) -> bool:
        """Whether the service is away."""
        return not self._closed.is_set()

    @property
    def reason(self) -> str | None:
        """The catalogue's sentence on why it is open; it holds no address and no secret."""
        return self._reason

    async def patiently(self, action: Callable[[], Awaitable[T]]) -> T:
        """What ``action`` returns, tried again for as long as the service is away.

        Raises:
            StreamappError: of any other fate than *wait*, as ``action`` raised it.
        """
        while True:
            tried = await (self._probe(action) if self.is_open else self._try(action))
            if tried:
                return tried[0]

    async def _probe(self, action: Callable[[], Awaitable[T]]) -> tuple[T] | None:
        async with self._probing:
            if not self.is_open:
                return None  # the probe before found the service back
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s):
                    await self._closed.wait()
            self._pause_s = patience.longer(self._pause_s)
            return await self._try(action)

    async def _try(self, action: Callable[[], Awaitable[T]]) -> tuple[T] | None:
        try:
            result = await action()
        except StreamappError as error:
            if error.fate is Fate.WAIT:
                self._open(error)
                return None
            if error.fate is Fate.REJECT:
                self._close()  # it answered
            raise
        self._close()
        return (result,)

    def _open(self, error: StreamappError) -> None:
        self._reason = error.code.sentence
        if self.is_open:
            return
        self.since, self._pause_s = self._clock(), patience.FIRST_PAUSE_S
        self.openings += 1
        self._closed.clear()
        _log.warning("%s: %s The work waits for %s.", error.code.code, error, self.service)

    def _close(self) -> None:
        if not self.is_open:
            return
        now = self._clock()
        _log.warning("%s answers again after %.1f s.", self.service, now - self.since)
        self.since, self._reason = now, None
        self._closed.set()


@dataclass(frozen=True, slots=True)
class Circuits:
    """The services that a worker needs."""

    objects: Circuit
    records: Circuit
    kafka: Circuit

    @classmethod
    def closed(cls, clock: Callable[[], float]) -> Self:
        """All of them, closed."""
        return cls(*(Circuit(field.name, clock) for field in fields(cls)))

    def __iter__(self) -> Iterator[Circuit]:
        """Each of them."""
        return (getattr(self, field.name) for field in fields(self))
