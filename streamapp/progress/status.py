"""What the API says of a batch, from its progress."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec
from msgspec import structs

from streamapp.keys import FIRST_RUN
from streamapp.progress import runs
from streamapp.progress.state import Progress, Run, indexes_of

BatchState = Literal["queued", "processing", "completed", "cancelled"]


ENDED: tuple[BatchState, ...] = ("completed", "cancelled")
"""States of a batch that nothing is expected of any more."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Photos in a final state (``processed``, the ``failed`` ones included) of ``total``."""

    processed: int
    total: int
    failed: int


class RunStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A run of a batch that was reprocessed: how many ``photos`` it does, and what became of them.

    The counts are the run's own, whatever a later run made of the same photos. ``cancelled`` are
    the photos of a cancelled run that it did not process. ``started_at`` is in Unix seconds, of the
    first run when the batch was taken in; ``settings`` are vision's that the run changes.
    """

    run: int
    status: BatchState
    photos: int
    processed: int
    failed: int
    cancelled: int = 0
    started_at: float = 0.0
    settings: dict[str, str] = {}


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A batch as the API shows it; its JSON is the predecessor's ``batch`` object and more.

    Of ``image_count`` photos ``queued`` were given to the workers so far, or failed at once.
    ``skipped`` counts the entries that are neither photo nor defect, ``skipped_by`` by reason.
    ``cancelled`` are the photos of a cancelled batch that are not processed; a few that were in
    work may still be.

    Of a batch that was reprocessed ``run`` is the run that was started last and ``runs`` tells of
    each. ``progress`` is of the batch: a photo counts as processed from its first outcome on, and
    as failed when its latest outcome is a failure. So a client that only watches the percentage
    sees 100 throughout and never less than before; ``status`` tells it that the batch is
    ``processing`` again, and then ``completed`` as at first.

    ``settled`` says that an ended batch is as it stays: nothing of it is in work any more, and the
    crops that a cancelled or replaced run left are gone.
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
    run: int = FIRST_RUN
    runs: tuple[RunStatus, ...] = ()
    settled: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What ``GET /api/batch/status/{batch}`` answers, on uploader and workers."""

    success: bool = True
    batch: Status


def status(state: Progress) -> Status:
    """What the API says of a batch."""
    total, processed = state.total, len(runs.finished(state))
    skipped_by: Counter[str] = Counter()
    for part in state.parts:
        skipped_by.update(part.skipped_by)
    return Status(
        batch_id=state.batch,
        status=_state(state),
        image_count=total,
        progress=Counts(processed=processed, total=total, failed=len(runs.failed(state))),
        progress_percent=100 * processed // total if total else 0,
        priority=state.priority,
        external_id=state.external_id,
        queued=state.queued,
        cancelled=total - processed if state.cancelled_at else 0,
        skipped=sum(part.skipped for part in state.parts),
        skipped_by=dict(skipped_by),
        run=state.latest.run,
        runs=_runs(state),
        settled=runs.is_settled(state),
    )


def joined(known: Status, photos: int) -> Status:
    """The status when the batch has ``photos``, some of which its owner may not know of yet."""
    if photos <= known.image_count:
        return known
    return structs.replace(
        known,
        status="processing" if known.status == "completed" else known.status,
        settled=False,
        image_count=photos,
        progress=structs.replace(known.progress, total=photos),
        progress_percent=100 * known.progress.processed // photos,
    )


def _state(state: Progress) -> BatchState:
    if state.latest is state:
        return _state_of(state, state)
    if runs.has_ended(state, state.latest):
        if runs.is_complete(state):
            return "completed"
        if state.cancelled_at:
            return "cancelled"
    return "processing"


def _state_of(state: Progress, run: Run) -> BatchState:
    if run.cancelled_at:
        return "cancelled"  # also when all that was queued before was all there was
    if runs.has_ended(state, run):
        return "completed"
    return "processing" if run.processed else "queued"


def _runs(state: Progress) -> tuple[RunStatus, ...]:
    if state.latest is state:
        return ()
    return tuple(run_status(state, run) for run in (state, *state.runs) if run.is_announced)


def run_status(state: Progress, run: Run) -> RunStatus:
    """What the API says of a run."""
    photos = len(runs.photos_of(state, run))
    return RunStatus(
        run=run.run,
        status=_state_of(state, run),
        photos=photos,
        processed=run.processed,
        failed=len(indexes_of(run.failed)),
        cancelled=photos - run.processed if run.cancelled_at else 0,
        started_at=state.opened_at if run is state else run.started_at,
        settings=dict(run.settings),
    )
