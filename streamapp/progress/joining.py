"""Parts that are queued to their end: of those, only sums are needed any more."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from streamapp.events import Cursor
from streamapp.progress.state import Part

if TYPE_CHECKING:
    from collections.abc import Iterable


def joined(parts: Iterable[Part]) -> list[Part]:
    """The parts, ascending, with neighbours that are queued made one.

    What comes out does not depend on the order in which they were queued.
    """
    kept: list[Part] = []
    for part in parts:
        last = kept[-1] if kept else None
        if part.is_queued and last and last.is_queued and last.end == part.first_index:
            kept[-1] = _sum(last, part)
        else:
            kept.append(_sum(part) if part.is_queued else part)
    return kept


def _sum(*parts: Part) -> Part:
    skipped_by: Counter[str] = Counter()
    for part in parts:
        skipped_by.update(part.skipped_by)
    photos = sum(part.photos or 0 for part in parts)
    return Part(
        first_index=parts[0].first_index,
        priority=parts[0].priority,
        photos=photos,
        skipped=sum(part.skipped for part in parts),
        skipped_by=dict(skipped_by),
        cursor=Cursor(index=photos),
    )
