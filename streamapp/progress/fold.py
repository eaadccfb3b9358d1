"""The fold: one event of the batch log into the batch's progress."""

from __future__ import annotations

from operator import attrgetter

from msgspec import structs

from streamapp.events import (
    BatchCancelled,
    BatchLogEvent,
    BatchOpened,
    ExpansionAdvanced,
    PhotosFinished,
    PriorityChanged,
    RunStarted,
    RunSwept,
)
from streamapp.progress.joining import joined
from streamapp.progress.state import Part, Progress, indexes_of, serialized


def fold(state: Progress | None, event: BatchLogEvent) -> Progress:
    """The state after ``event``; ``state`` is None for a batch that was not seen before."""
    before = state or Progress(batch=event.batch, project=event.project)
    match event:
        case BatchOpened():
            return _opened(before, event)
        case ExpansionAdvanced():
            return _advanced(before, event)
        case PhotosFinished():
            return _finished(before, event)
        case BatchCancelled():
            return structs.replace(
                before, cancelled_at=_earliest(before.cancelled_at, event.cancelled_at)
            )
        case PriorityChanged():
            change = (event.changed_at, event.priority)
            return structs.replace(before, changed=max(before.changed, change))
        case RunStarted() | RunSwept():
            return before


def _opened(state: Progress, event: BatchOpened) -> Progress:
    told = structs.replace(
        state,
        opened_at=_earliest(state.opened_at, event.opened_at),
        external_id=state.external_id if event.first_index else event.external_id,
    )
    if _is_queued(told, event.first_index):
        return told
    duplicates = indexes_of(told.duplicates) | indexes_of(event.duplicates).shift(event.first_index)
    return _with(
        structs.replace(told, duplicates=serialized(duplicates)),
        _part(told, event.first_index),
        archive=event.archive,
        archive_bytes=event.archive_bytes,
        kind=event.kind,
        priority=event.priority,
        photos=event.photos,
        skipped=event.skipped,
        skipped_by=event.skipped_by,
        nested=event.nested,
    )


def _advanced(state: Progress, event: ExpansionAdvanced) -> Progress:
    if _is_queued(state, event.first_index):
        return state
    part = _part(state, event.first_index)
    return _with(state, part, cursor=max(part.cursor, event.cursor, key=structs.astuple))


def _is_queued(state: Progress, first_index: int) -> bool:
    return any(part.is_queued and part.holds(first_index) for part in state.parts)


def _part(state: Progress, first_index: int) -> Part:
    known = (part for part in state.parts if part.first_index == first_index)
    return next(known, Part(first_index=first_index))


def _with(state: Progress, part: Part, **changes: object) -> Progress:
    changed = structs.replace(part, **changes)
    others = [each for each in state.parts if each.first_index != part.first_index]
    parts = sorted([*others, changed], key=attrgetter("first_index"))
    return structs.replace(
        state, parts=tuple(joined(parts)), duplicates=_to_come(state.duplicates, changed)
    )


def _to_come(duplicates: bytes, part: Part) -> bytes:
    if not duplicates or part.photos is None:
        return duplicates
    indexes = indexes_of(duplicates)
    indexes.remove_range(part.first_index, part.first_index + part.cursor.index)
    return serialized(indexes)


def _earliest(known: float, told: float) -> float:
    return min(known or told, told)


def _finished(state: Progress, event: PhotosFinished) -> Progress:
    finished, failed = indexes_of(state.finished), indexes_of(state.failed)
    passed_over = indexes_of(state.passed_over)
    last = 0.0
    for outcome in event.outcomes:
        if outcome.state == "cancelled":
            passed_over.add(outcome.index)
            continue
        if outcome.state == "completed":
            failed.discard(outcome.index)
        elif outcome.index not in finished:
            failed.add(outcome.index)
        finished.add(outcome.index)
        last = max(last, outcome.finished_at)
    return structs.replace(
        state,
        finished=serialized(finished),
        failed=serialized(failed),
        passed_over=serialized(passed_over - finished),
        processed=len(finished),
        finished_at=max(state.finished_at, last),
    )
