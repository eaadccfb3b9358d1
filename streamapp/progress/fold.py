"""The fold: one event of the batch log into the batch's progress."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from msgspec import structs
from pyroaring import BitMap

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
from streamapp.keys import FIRST_RUN
from streamapp.progress.joining import joined
from streamapp.progress.state import Part, Progress, Run, indexes_of, serialized

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamapp.events import RunPart

AnyRun = TypeVar("AnyRun", bound=Run)


def fold(state: Progress | None, event: BatchLogEvent) -> Progress:
    """The state after ``event``; ``state`` is None for a batch that was not seen before."""
    before = state or Progress(batch=event.batch, project=event.project)
    match event:
        case BatchOpened():
            return _opened(before, event)
        case PriorityChanged():
            change = (event.changed_at, event.priority)
            return structs.replace(before, changed=max(before.changed, change))
        case RunStarted():
            return _in_later_run(before, event.run, lambda run: _started(run, event))
        case ExpansionAdvanced() | PhotosFinished() | BatchCancelled() | RunSwept():
            if event.run == FIRST_RUN:
                return _went_on(before, event)
            return _in_later_run(before, event.run, lambda run: _went_on(run, event))


def _in_later_run(state: Progress, number: int, change: Callable[[Run], Run]) -> Progress:
    known = {run.run: run for run in state.runs}
    known[number] = change(known.get(number, Run(run=number)))
    return structs.replace(state, runs=tuple(known[each] for each in sorted(known)))


def _went_on(
    run: AnyRun, event: ExpansionAdvanced | PhotosFinished | BatchCancelled | RunSwept
) -> AnyRun:
    match event:
        case ExpansionAdvanced():
            return _advanced(run, event)
        case PhotosFinished():
            return _finished(run, event)
        case BatchCancelled():
            at = _earliest(run.cancelled_at, event.cancelled_at)
            return structs.replace(run, cancelled_at=at)
        case RunSwept():
            return structs.replace(run, swept=max(run.swept, event.told))


def _opened(state: Progress, event: BatchOpened) -> Progress:
    told = structs.replace(
        state,
        opened_at=_earliest(state.opened_at, event.opened_at),
        external_id=state.external_id if event.first_index else event.external_id,
        webhook_url=state.webhook_url if event.first_index else event.webhook_url,
    )
    return _with_part(
        told,
        event,
        priority=event.priority,
        skipped=event.skipped,
        skipped_by=event.skipped_by,
    )


def _started(run: Run, event: RunStarted) -> Run:
    due = indexes_of(event.photos) - indexes_of(run.finished)
    told = structs.replace(
        run,
        started_at=event.started_at,
        initial_priority=event.priority,
        settings=event.settings,
        rate=event.rate,
        due=serialized(due),
    )
    for part in event.parts:
        told = _with_part(told, part)
    return told


def _with_part(run: AnyRun, told: BatchOpened | RunPart, **of_first: object) -> AnyRun:
    if _is_queued(run, told.first_index):
        return run
    duplicates = indexes_of(run.duplicates) | indexes_of(told.duplicates).shift(told.first_index)
    return _with(
        structs.replace(run, duplicates=serialized(duplicates)),
        _part(run, told.first_index),
        archive=told.archive,
        archive_bytes=told.archive_bytes,
        kind=told.kind,
        photos=told.photos,
        nested=told.nested,
        **of_first,
    )


def _advanced(run: AnyRun, event: ExpansionAdvanced) -> AnyRun:
    if _is_queued(run, event.first_index):
        return run
    part = _part(run, event.first_index)
    return _with(run, part, cursor=max(part.cursor, event.cursor, key=structs.astuple))


def _is_queued(run: Run, first_index: int) -> bool:
    return any(part.is_queued and part.holds(first_index) for part in run.parts)


def _part(run: Run, first_index: int) -> Part:
    known = (part for part in run.parts if part.first_index == first_index)
    return next(known, Part(first_index=first_index))


def _with(run: AnyRun, part: Part, **changes: object) -> AnyRun:
    changed = structs.replace(part, **changes)
    others = [each for each in run.parts if each.first_index != part.first_index]
    parts = sorted([*others, changed], key=attrgetter("first_index"))
    return structs.replace(
        run, parts=tuple(joined(parts)), duplicates=_to_come(run.duplicates, changed)
    )


def _to_come(duplicates: bytes, part: Part) -> bytes:
    if not duplicates or part.photos is None:
        return duplicates
    indexes = indexes_of(duplicates)
    indexes.remove_range(part.first_index, part.first_index + part.cursor.index)
    return serialized(indexes)


def _earliest(known: float, told: float) -> float:
    return min(known or told, told)


def _finished(run: AnyRun, event: PhotosFinished) -> AnyRun:
    of_state = {
        state: BitMap(outcome.index for outcome in event.outcomes if outcome.state == state)
        for state in ("completed", "failed", "cancelled")
    }
    completed, failed = of_state["completed"], of_state["failed"]
    before, failed_before = indexes_of(run.finished), indexes_of(run.failed)
    finished = before | completed | failed
    passed_over = indexes_of(run.passed_over) | of_state["cancelled"]
    ended = [each.finished_at for each in event.outcomes if each.state != "cancelled"]
    of_first = run.run == FIRST_RUN and ended
    return structs.replace(
        run,
        finished=serialized(finished),
        failed=serialized((failed_before | (failed - before)) - completed),
        passed_over=serialized(passed_over - finished),
        due=serialized(indexes_of(run.due) - finished),
        processed=len(finished),
        started_at=_earliest(run.started_at, min(ended)) if of_first else run.started_at,
        finished_at=max(run.finished_at, *ended, 0.0),
    )
