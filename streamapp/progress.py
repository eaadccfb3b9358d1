"""The fold of a batch's log into its progress: sets of photo indexes, never counters.

Pure, idempotent and order-free: any repetition and any order of the same events gives the same
state, so replay and redelivery change nothing. A photo that was completed once stays completed;
a batch that was opened once is not rejected.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from pyroaring import BitMap

from streamapp.events import (
    BatchCancelled,
    BatchLogEvent,
    BatchOpened,
    BatchRejected,
    ExpansionAdvanced,
    PhotosFinished,
    PriorityChanged,
)

BatchState = Literal["queued", "processing", "completed", "rejected"]


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of one batch: the value of the progress table, under the batch's key.

    ``completed`` and ``failed`` are disjoint serialized roaring bitmaps of photo indexes: 36 bytes
    for 100,000 contiguous photos. ``photos`` is None until the batch's opening was seen. Times
    are Unix seconds, 0 when unknown. ``log_offset`` is the offset of the last event of the batch
    log that is folded in; the table's, not the fold's.
    """

    batch: str
    project: str = ""
    priority: int = 0
    name: str = ""
    photos: int | None = None
    skipped: int = 0
    opened_at: float = 0.0
    finished_at: float = 0.0
    completed: bytes = b""
    failed: bytes = b""
    rejection: str = ""
    rejection_detail: str = ""
    log_offset: int = -1


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Photos in a final state (``processed``, the ``failed`` ones included) of ``total``."""

    processed: int
    total: int
    failed: int


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A batch as the API shows it; its JSON is the predecessor's ``batch`` object."""

    batch_id: str
    status: BatchState
    image_count: int
    progress: Counts
    progress_percent: int
    code: str | None = None
    detail: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What ``GET /api/batch/status/{batch}`` answers, on uploader and workers."""

    success: bool = True
    batch: Status


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Progress).decode


def fold(state: Progress | None, event: BatchLogEvent) -> Progress:
    """The state after ``event``; ``state`` is None for a batch that was not seen before."""
    before = state or Progress(batch=event.batch, project=event.project)
    match event:
        case BatchOpened():
            return _opened(before, event)
        case BatchRejected():
            return msgspec.structs.replace(
                before, rejection=event.code, rejection_detail=event.detail
            )
        case PhotosFinished():
            return _finished(before, event)
        case BatchCancelled() | PriorityChanged() | ExpansionAdvanced():
            return before


def _opened(state: Progress, event: BatchOpened) -> Progress:
    first = min(state.opened_at or event.opened_at, event.opened_at)
    return msgspec.structs.replace(
        state,
        project=event.project,
        priority=event.priority,
        name=event.name,
        photos=event.photos,
        skipped=event.skipped,
        opened_at=first,
    )


def _finished(state: Progress, event: PhotosFinished) -> Progress:
    completed, failed = _indexes(state.completed), _indexes(state.failed)
    for outcome in event.outcomes:
        (completed if outcome.state == "completed" else failed).add(outcome.index)
    failed -= completed
    last = max((outcome.finished_at for outcome in event.outcomes), default=0.0)
    return msgspec.structs.replace(
        state,
        completed=_serialized(completed),
        failed=_serialized(failed),
        finished_at=max(state.finished_at, last),
    )


def is_settled(state: Progress) -> bool:
    """Whether nothing that the batch log may still hold changes the batch's status."""
    return status(state).status in {"completed", "rejected"}


def status(state: Progress) -> Status:
    """What the API says of a batch."""
    failed = len(_indexes(state.failed))
    processed = len(_indexes(state.completed)) + failed
    total = state.photos or 0
    rejected = state.photos is None and bool(state.rejection)
    return Status(
        batch_id=state.batch,
        status="rejected" if rejected else _state(processed, total),
        image_count=total,
        progress=Counts(processed=processed, total=total, failed=failed),
        progress_percent=100 * processed // total if total else 0,
        code=state.rejection if rejected else None,
        detail=state.rejection_detail if rejected else None,
    )


def queued(batch: str, photos: int) -> Status:
    """The status of a batch that is stored and published but not opened yet."""
    return status(Progress(batch=batch, photos=photos))


def _state(processed: int, total: int) -> BatchState:
    if processed == 0:
        return "queued"
    return "completed" if total and processed >= total else "processing"


def _indexes(serialized: bytes) -> BitMap:
    return BitMap.deserialize(serialized) if serialized else BitMap()


def _serialized(indexes: BitMap) -> bytes:
    indexes.run_optimize()
    return bytes(indexes.serialize()) if indexes else b""
