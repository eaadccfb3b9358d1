"""The least pace of a client: whoever sends too slowly must not hold a place that others need.

Only time spent waiting for the client counts, not time in which a slow store held it back.
"""

from __future__ import annotations

from streamapp.errors import Code, StreamappError


class Pace:
    """Judges one body, window by window; a fast start does not pay for a slow rest."""

    def __init__(self, *, bytes_per_s_min: float, window_s: float) -> None:
        """Begin the first window.

        Args:
            bytes_per_s_min: The least average over a window.
            window_s: Seconds of waiting for the client after which a window is judged.
        """
        self._bytes_per_s_min = bytes_per_s_min
        self._window_s = window_s
        self._waited_s = 0.0
        self._bytes = 0

    def add(self, size: int, waited_s: float) -> None:
        """Count a piece of ``size`` bytes that came after ``waited_s`` seconds.

        Raises:
            StreamappError: ``BODY_TOO_SLOW``, when it ends a window below the least average.
        """
        self._bytes += size
        self._waited_s += waited_s
        if self._waited_s < self._window_s:
            return
        if self._bytes < self._bytes_per_s_min * self._waited_s:
            raise StreamappError(
                Code.BODY_TOO_SLOW,
                f"{self._bytes} bytes in {self._waited_s:.1f} s; "
                f"the least is {self._bytes_per_s_min:g} bytes per second",
            )
        self._bytes, self._waited_s = 0, 0.0
