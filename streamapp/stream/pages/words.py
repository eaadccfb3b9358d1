"""How numbers and times read on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def span(seconds: float) -> str:
    """In its largest unit: ``4 s``, ``2 min``, ``3 h``, ``5 d``."""
    for length, unit in _SPANS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(max(0, seconds))} s"


def moment(at: float) -> str:
    """A time in Unix seconds, in UTC; a dash for none."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z" if at else "-"


def count(number: int) -> str:
    """With its thousands set apart."""
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")


FILTERS: Mapping[str, Callable[..., Any]] = {"span": span, "moment": moment, "count": count}
