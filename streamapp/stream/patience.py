"""Pauses between attempts at a service that is away: they double, up to a longest one."""

from __future__ import annotations

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0


def longer(pause_s: float) -> float:
    """The pause after one of ``pause_s`` seconds that was not long enough."""
    return min(2 * pause_s, LONGEST_PAUSE_S)
