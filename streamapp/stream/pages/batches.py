"""Page *batches*: those under way, and those taken in last, of all partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streamapp import progress
from streamapp.stream.pages.report import Batch, Group

if TYPE_CHECKING:
    from streamapp.progress import Progress

UNDER_WAY_MAX = 100
RECENT_MAX = 50


class Batches(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first; ``unanswered`` partitions have batches that nobody tells of for the moment."""

    under_way: tuple[Batch, ...]
    recent: tuple[Batch, ...]
    unanswered: tuple[int, ...]


def line(state: Progress) -> Batch:
    """What is told of a batch."""
    told = progress.status(state)
    return Batch(
        batch=state.batch,
        project=state.project,
        external_id=state.external_id,
        status=told.status,
        photos=told.image_count,
        processed=told.progress.processed,
        failed=told.progress.failed,
        queued=told.queued,
        priority=told.priority,
        run=told.run,
        opened_at=state.opened_at,
    )


def of(group: Group) -> Batches:
    """The page's data."""
    by_id = {each.batch: each for report in group.reports for each in report.batches}
    newest_first = [by_id[batch] for batch in sorted(by_id, reverse=True)]
    answered = {
        each.partition
        for report in group.reports
        for each in report.table
        if each.state == "answers"
    }
    return Batches(
        under_way=tuple(each for each in newest_first if each.status not in progress.ENDED),
        recent=tuple(each for each in newest_first if each.status in progress.ENDED)[:RECENT_MAX],
        unanswered=tuple(sorted(set(range(group.reports[0].partition_count)) - answered)),
    )
