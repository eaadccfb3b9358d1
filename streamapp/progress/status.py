"""What the API says of a batch, from its progress."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec
from msgspec import structs

from streamapp.progress.state import Progress, indexes_of

BatchState = Literal["queued", "processing", "completed", "cancelled"]


ENDED: tuple[BatchState, ...] = ("completed", "cancelled")
"""States of a batch that nothing is expected of any more."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Photos in a final state (``processed``, the ``failed`` ones included) of ``total``."""

    processed: int
    total: int
    failed: int


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A batch as the API shows it; its JSON is the predecessor's ``batch`` object and more.

    Of ``image_count`` photos ``queued`` were given to the workers so far, or failed at once.
    ``skipped`` counts the entries that are neither photo nor defect, ``skipped_by`` by reason.
    ``cancelled`` are the photos of a cancelled batch that are not processed; a few that were in
    work may still be.
    """

    batch_id: str
    status: BatchState
    image_count: int
    progress: Counts
    progress_percent: int
    priority: int = 0
    external_id: str = ""
    queued: int = 0
    cancelled: int = 0
    skipped: int = 0
    skipped_by: dict[str, int] = {}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What ``GET /api/batch/status/{batch}`` answers, on uploader and workers."""

    success: bool = True
    batch: Status


def status(state: Progress) -> Status:
    """What the API says of a batch."""
    total = state.total
    skipped_by: Counter[str] = Counter()
    for part in state.parts:
        skipped_by.update(part.skipped_by)
    return Status(
        batch_id=state.batch,
        status=_state(state),
        image_count=total,
        progress=Counts(
            processed=state.processed, total=total, failed=len(indexes_of(state.failed))
        ),
        progress_percent=100 * state.processed // total if total else 0,
        priority=state.priority,
        external_id=state.external_id,
        queued=state.queued,
        cancelled=total - state.processed if state.cancelled_at else 0,
        skipped=sum(part.skipped for part in state.parts),
        skipped_by=dict(skipped_by),
    )


def joined(known: Status, photos: int) -> Status:
    """The status when the batch has ``photos``, some of which its owner may not know of yet."""
    if photos <= known.image_count:
        return known
    return structs.replace(
        known,
        status="processing" if known.status == "completed" else known.status,
        image_count=photos,
        progress=structs.replace(known.progress, total=photos),
        progress_percent=100 * known.progress.processed // photos,
    )


def _state(state: Progress) -> BatchState:
    if state.cancelled_at:
        return "cancelled"  # also when all that was queued before was all there was
    if state.is_complete:
        return "completed"
    return "processing" if state.processed else "queued"
