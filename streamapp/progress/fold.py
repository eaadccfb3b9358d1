"""The fold: one event of the batch log into the batch's progress."""

from __future__ import annotations

from operator import attrgetter

from msgspec import structs

from streamapp.events import (
    BatchCancelled,
    BatchLogEvent,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    PhotosFinished,
    PriorityChanged,
)
from streamapp.progress.state import Part, Progress, indexes_of, serialized


def fold(state: Progress | None, event: BatchLogEvent) -> Progress:
    """The state after ``event``; ``state`` is None for a batch that was not seen before."""
    before = state or Progress(batch=event.batch, project=event.project)
    match event:
        case BatchOpened():
            return _opened(before, event)
        case ExpansionAdvanced():
            part = _part(before, event.first_index)
            return _with(before, part, cursor=_furthest(part.cursor, event.cursor))
        case PhotosFinished():
            return _finished(before, event)
        case BatchCancelled():
            return structs.replace(
                before, cancelled_at=_earliest(before.cancelled_at, event.cancelled_at)
            )
        case PriorityChanged():
            change = (event.changed_at, event.priority)
            return structs.replace(before, changed=max(before.changed, change))


def _opened(state: Progress, event: BatchOpened) -> Progress:
    return structs.replace(
        _with(
            state,
            _part(state, event.first_index),
            archive=event.archive,
            archive_bytes=event.archive_bytes,
            kind=event.kind,
            name=event.name,
            priority=event.priority,
            external_id=event.external_id,
            photos=event.photos,
            skipped=event.skipped,
            skipped_by=event.skipped_by,
            duplicates=event.duplicates,
            nested=event.nested,
        ),
        opened_at=_earliest(state.opened_at, event.opened_at),
    )


def _part(state: Progress, first_index: int) -> Part:
    known = (part for part in state.parts if part.first_index == first_index)
    return next(known, Part(first_index=first_index))


def _with(state: Progress, part: Part, **changes: object) -> Progress:
    changed = structs.replace(part, **changes)
    changed = structs.replace(changed, duplicates=_to_come(changed.duplicates, changed.cursor))
    others = [each for each in state.parts if each.first_index != part.first_index]
    parts = tuple(sorted([*others, changed], key=attrgetter("first_index")))
    return structs.replace(state, parts=parts)


def _to_come(duplicates: bytes, cursor: Cursor) -> bytes:
    if not duplicates or not cursor.index:
        return duplicates
    indexes = indexes_of(duplicates)
    indexes.remove_range(0, cursor.index)
    return serialized(indexes)


def _furthest(one: Cursor, other: Cursor) -> Cursor:
    return max(one, other, key=structs.astuple)


def _earliest(known: float, told: float) -> float:
    return min(known or told, told)


def _finished(state: Progress, event: PhotosFinished) -> Progress:
    completed, failed = indexes_of(state.completed), indexes_of(state.failed)
    for outcome in event.outcomes:
        (completed if outcome.state == "completed" else failed).add(outcome.index)
    failed -= completed
    last = max((outcome.finished_at for outcome in event.outcomes), default=0.0)
    return structs.replace(
        state,
        completed=serialized(completed),
        failed=serialized(failed),
        processed=len(completed) + len(failed),
        finished_at=max(state.finished_at, last),
    )
