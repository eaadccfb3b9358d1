"""Photos a second, of the last minute."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S = 60.0


class Rate:
    """What was counted within the window, or since the beginning when that is nearer."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._counted: deque[tuple[int, int]] = deque()
        """Seconds of the clock, whole, and how many in each."""

    def add(self, photos: int) -> None:
        """Count photos now."""
        second = int(self._clock())
        if self._counted and self._counted[-1][0] == second:
            photos += self._counted.pop()[1]
        self._counted.append((second, photos))
        self._forget()

    @property
    def per_second(self) -> float:
        """The rate."""
        self._forget()
        span_s = min(WINDOW_S, max(1.0, self._clock() - self._since))
        return sum(photos for _, photos in self._counted) / span_s

    def _forget(self) -> None:
        while self._counted and self._counted[0][0] < self._clock() - WINDOW_S:
            self._counted.popleft()
