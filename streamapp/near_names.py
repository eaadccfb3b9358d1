"""Which name was meant by one that is none."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

RATHER_NEAR, VERY_NEAR = 0.7, 0.85
"""How alike two names must be, 0 to 1: where one must be meant, and where it may be another's."""


def nearest(name: str, names: Collection[str], *, least: float = RATHER_NEAR) -> str | None:
    """The most similar of ``names``, which are in capitals; None when none is near enough."""
    found = get_close_matches(name.upper(), names, n=1, cutoff=least)
    return found[0] if found else None


def did_you_mean(name: str, names: Collection[str]) -> str:
    """The end of a sentence that refuses ``name``: the one that is meant, or else all there are."""
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"these are: {', '.join(sorted(names))}"
