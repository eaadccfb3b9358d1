"""The lease of a worker's partitions: until when they are surely its own.

Kafka gives the partitions of a worker to another when it has heard nothing of it for a session. So
from the moment at which a heartbeat that was answered had been sent they are its own for so long:
whether it is frozen, or cut off from Kafka, it knows by its own clock that they may have gone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Lease:
    """Renewed by the thread of Kafka's client, asked by all others."""

    def __init__(self, *, session_timeout_s: float, clock: Callable[[], float]) -> None:
        self._session_timeout_s = session_timeout_s
        self._clock = clock
        self._until = -math.inf

    def renew(self, asked_at: float) -> None:
        """Note that Kafka has answered what was sent at this time."""
        self._until = max(self._until, asked_at + self._session_timeout_s)

    @property
    def holds(self) -> bool:
        """Whether no other can have been given the partitions."""
        return self._clock() < self._until
