"""The words by which batches are chosen, and settings changed, on the command line.

What cannot be understood is a ``ValueError`` that names the option.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streamapp.replay import Project, Since, SinceOffset, These

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamapp.replay import Choice

_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_OFFSET = re.compile(r"(?:(\d{1,9}):)?(\d{1,18})")


def choice_of(
    ids: Sequence[str],
    project: str | None,
    since: str | None,
    until: str | None,
    since_offset: str | None,
    *,
    now: float,
) -> Choice:
    """The one way in which batches are chosen; ``now`` in Unix seconds."""
    if until is not None and since is None:
        raise ValueError("--until goes with --since.")
    choices: list[Choice] = [These(tuple(ids))] if ids else []
    if project is not None:
        choices.append(Project(project))
    if since is not None:
        choices.append(_between(since, until, now))
    if since_offset is not None:
        choices.append(_offset(since_offset))
    if len(choices) != 1:
        raise ValueError("Give either batches, or --project, or --since, or --since-offset.")
    return choices[0]


def pairs(changes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """``NAME=VALUE`` as a pair, of several of one name the last, in an order of their own."""
    told = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or not name:
            raise ValueError(f"--set: {change!r} is not NAME=VALUE.")
        told[name] = value
    return tuple(sorted(told.items()))


def time_of(text: str, option: str, now: float) -> float:
    """Unix seconds of ``2026-11-25``, ``2026-11-25T04:00+01:00`` (else UTC), or ``2h`` ago."""
    if ago := _AGO.fullmatch(text):
        return now - float(ago[1]) * _UNIT_S[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{option}: {text!r} is neither a time (2026-11-25T04:00) nor an age (90m, 2h, 3d)."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _between(since: str, until: str | None, now: float) -> Since:
    start = time_of(since, "--since", now)
    end = now if until is None else time_of(until, "--until", now)
    if until is not None and end <= start:
        raise ValueError("--until must be later than --since.")
    return Since(start, end)


def _offset(text: str) -> SinceOffset:
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise ValueError(f"--since-offset: {text!r} is neither OFFSET nor PARTITION:OFFSET.")
    return SinceOffset(int(found[2]), int(found[1]) if found[1] else None)
