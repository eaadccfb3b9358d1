"""The fold of the batch log is idempotent and free of order, whatever the log holds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from pyroaring import BitMap

from streamapp import progress
from streamapp.events import (
    BatchCancelled,
    BatchLogEvent,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    PriorityChanged,
)

BATCH = "b1"
PART_PHOTOS = 20
FIRST_INDEXES = (0, 20, 40)
PHOTOS = 60

times = st.floats(1, 1000)
first_indexes = st.sampled_from(FIRST_INDEXES)


def opening(first_index: int, opened_at: float) -> BatchOpened:
    """A part is the same whenever it is told."""
    return BatchOpened(
        batch=BATCH,
        project="p",
        priority=5 + first_index // 20,
        archive=f"archives/{first_index}.zip",
        archive_bytes=1000,
        name="photos.zip",
        first_index=first_index,
        photos=PART_PHOTOS,
        duplicates=BitMap([3, 4, 5, 19]).serialize() if first_index else b"",
        skipped=2,
        skipped_by={"folder": 2},
        external_id="theirs",
        opened_at=opened_at,
    )


opened = st.builds(opening, first_indexes, times)
advanced = st.builds(
    ExpansionAdvanced,
    batch=st.just(BATCH),
    project=st.just("p"),
    first_index=first_indexes,
    cursor=st.builds(
        Cursor,
        index=st.one_of(st.integers(0, PART_PHOTOS), st.just(PART_PHOTOS)),
        entry_at=st.integers(0, 3),
        inner=st.integers(0, 3),
    ),
)
cancelled = st.builds(
    BatchCancelled, batch=st.just(BATCH), project=st.just("p"), cancelled_at=times
)
changed = st.builds(
    PriorityChanged,
    batch=st.just(BATCH),
    project=st.just("p"),
    priority=st.integers(1, 10),
    changed_at=st.sampled_from([1.0, 2.0]),
)
outcomes = st.builds(
    Outcome,
    index=st.integers(0, PHOTOS - 1),
    name=st.just("a.jpg"),
    state=st.sampled_from(["completed", "failed", "cancelled"]),
    finished_at=times,
)
finished = st.builds(
    PhotosFinished,
    batch=st.just(BATCH),
    project=st.just("p"),
    outcomes=st.lists(outcomes, max_size=8).map(tuple),
)
logs = st.lists(
    st.one_of(opened, advanced, finished, finished, cancelled, changed), min_size=1, max_size=14
)


def folded(log: list[BatchLogEvent]) -> progress.Progress:
    state = None
    for event in log:
        state = progress.fold(state, event)
    assert state is not None
    return state


def meaning(state: progress.Progress) -> tuple[object, ...]:
    """The state with sets for bitmaps: one set has several wire forms."""
    plain = structs.replace(state, finished=b"", failed=b"", passed_over=b"", duplicates=b"")
    bitmaps = [state.finished, state.failed, state.passed_over, state.duplicates]
    return plain, *(set(BitMap.deserialize(b)) if b else set() for b in bitmaps)


@given(log=logs, seed=st.integers())
def test_any_order_and_any_repetition_give_the_same_progress(
    log: list[BatchLogEvent], seed: int
) -> None:
    shuffler = random.Random(seed)  # noqa: S311 - an order, not a secret
    again = log + shuffler.choices(log, k=len(log))
    shuffler.shuffle(again)
    assert meaning(folded(again)) == meaning(folded(log))


@given(log=logs)
def test_a_photo_is_in_one_final_state_at_most(log: list[BatchLogEvent]) -> None:
    status = progress.status(folded(log))
    outcomes = [o for event in log if isinstance(event, PhotosFinished) for o in event.outcomes]
    done = {o.index for o in outcomes if o.state == "completed"}
    finished = done | {o.index for o in outcomes if o.state == "failed"}
    assert status.progress.processed == len(finished)
    assert status.progress.failed == len(finished - done)


@given(log=logs)
def test_a_photo_that_was_passed_over_and_finished_is_finished(log: list[BatchLogEvent]) -> None:
    state = folded(log)
    outcomes = [o for event in log if isinstance(event, PhotosFinished) for o in event.outcomes]
    passed_over = {o.index for o in outcomes if o.state == "cancelled"}
    finished = {o.index for o in outcomes if o.state != "cancelled"}
    told = BitMap.deserialize(state.passed_over) if state.passed_over else BitMap()
    assert set(told) == passed_over - finished


@given(log=logs)
def test_a_checkpoint_is_the_furthest_that_was_told(log: list[BatchLogEvent]) -> None:
    told = {
        (event.first_index, event.cursor.index)
        for event in log
        if isinstance(event, ExpansionAdvanced)
    }
    for part in folded(log).parts:
        of_parts = [
            max((index for first, index in told if first == known), default=0)
            for known in FIRST_INDEXES
            if known == part.first_index or part.holds(known)
        ]
        assert part.cursor.index == sum(of_parts)


@given(log=logs)
def test_what_is_skipped_and_the_duplicates_to_come_are_those_of_the_parts_told(
    log: list[BatchLogEvent],
) -> None:
    state = folded(log)
    parts = {event.first_index: event for event in log if isinstance(event, BatchOpened)}
    assert progress.status(state).skipped == sum(part.skipped for part in parts.values())
    told = {
        first: max(
            (
                event.cursor.index
                for event in log
                if isinstance(event, ExpansionAdvanced) and event.first_index == first
            ),
            default=0,
        )
        for first in parts
    }
    to_come = {
        first + index
        for first, part in parts.items()
        for index in (BitMap.deserialize(part.duplicates) if part.duplicates else ())
        if index >= told[first]
    }
    assert set(BitMap.deserialize(state.duplicates) if state.duplicates else ()) == to_come


@given(log=logs)
def test_the_state_survives_its_wire_form(log: list[BatchLogEvent]) -> None:
    state = folded(log)
    assert progress.decode(progress.encode(state)) == state
