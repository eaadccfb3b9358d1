"""How many child processes there are, and what they do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Crew(NamedTuple):
    """The children at a moment."""

    wanted: int
    alive: int
    busy: int
    """Of those alive, with a job."""
    replaced: int
    """Started in the place of another since the beginning: of one that died, was killed or was
    worn out."""


def crew(*, wanted: int, pids: Iterable[int], busy: int, started: int) -> Crew:
    """Of ``wanted`` children those that live among ``pids``; ``started`` were so far."""
    alive = sum(map(_is_there, pids))
    return Crew(wanted, alive, min(busy, alive), max(0, started - wanted))


def _is_there(pid: int) -> bool:
    # Not `Process.is_alive`: it takes the exit code out of a pipe, and pebble needs it.
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
