"""The fold of a batch with several runs: free of order and repetition, never less than before."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from pyroaring import BitMap

from streamapp import progress
from streamapp.events import (
    BatchCancelled,
    BatchLogEvent,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    PriorityChanged,
    RunPart,
    RunStarted,
    RunSwept,
)
from tests.property.test_progress_fold import (
    BATCH,
    FIRST_INDEXES,
    PART_PHOTOS,
    PHOTOS,
    folded,
    opened,
    times,
)

if TYPE_CHECKING:
    from streamapp.progress import Progress, Run

OF_RUN = {2: BitMap(range(PHOTOS)), 3: BitMap([1, 2, 21, 39]), 4: BitMap([2, *range(35, 45)])}
OFTEN = (1, 2, 39)
"""Photos of several runs that most outcomes are of, so that the runs meet."""


def starting(run: int) -> RunStarted:
    """A run is the same whenever it is told."""
    photos = OF_RUN[run]
    parts = tuple(
        RunPart(
            first_index=first,
            archive=f"archives/{first}.zip",
            archive_bytes=1000,
            photos=PART_PHOTOS,
            duplicates=BitMap([3, 19]).serialize(),
        )
        for first in FIRST_INDEXES
        if photos & BitMap(range(first, first + PART_PHOTOS))
    )
    return RunStarted(
        batch=BATCH,
        project="p",
        run=run,
        started_at=1000.0 + run,
        priority=run,
        photos=photos.serialize(),
        parts=parts,
        settings=(("FACES", "all"),),
        rate=float(run),
    )


def of_run(run: int) -> st.SearchStrategy[BatchLogEvent]:
    """What may be told of a run."""
    photos = OF_RUN.get(run, BitMap(range(PHOTOS)))
    often = sorted(photos & BitMap(OFTEN))
    outcomes = st.builds(
        Outcome,
        index=st.one_of(st.sampled_from(often), st.sampled_from(sorted(photos))),
        name=st.just("a.jpg"),
        state=st.sampled_from(["completed", "failed", "cancelled"]),
        finished_at=times,
    )
    shared = {"batch": st.just(BATCH), "project": st.just("p"), "run": st.just(run)}
    finished = st.builds(
        PhotosFinished, **shared, outcomes=st.lists(outcomes, max_size=25).map(tuple)
    )
    cursors = st.builds(Cursor, index=st.integers(0, PART_PHOTOS), entry_at=st.integers(0, 3))
    return st.one_of(
        finished,
        finished,
        st.builds(
            ExpansionAdvanced, **shared, first_index=st.sampled_from(FIRST_INDEXES), cursor=cursors
        ),
        st.builds(BatchCancelled, **shared, cancelled_at=times),
        st.just(starting(run)) if run in OF_RUN else opened,
        st.builds(RunSwept, **shared, told=st.integers(0, 299)) if run in OF_RUN else opened,
    )


changed = st.builds(
    PriorityChanged,
    batch=st.just(BATCH),
    project=st.just("p"),
    priority=st.integers(1, 10),
    changed_at=st.sampled_from([1.0, 2000.0]),
)
logs = st.lists(st.one_of(changed, *map(of_run, (1, *OF_RUN))), min_size=1, max_size=20)


def meaning(state: Progress) -> list[tuple[object, ...]]:
    """The runs with sets for bitmaps: one set has several wire forms."""
    return [plain(structs.replace(state, runs=())), *map(plain, state.runs)]


def plain(run: Run) -> tuple[object, ...]:
    bitmaps = ("finished", "failed", "passed_over", "duplicates", "due")
    sets = {name: frozenset(progress.indexes_of(getattr(run, name))) for name in bitmaps}
    return structs.astuple(structs.replace(run, **dict.fromkeys(bitmaps, b""))), tuple(
        sets.values()
    )


@given(log=logs, seed=st.integers())
def test_any_order_and_any_repetition_of_several_runs_give_the_same(
    log: list[BatchLogEvent], seed: int
) -> None:
    shuffler = random.Random(seed)  # noqa: S311 - an order, not a secret
    again = log + shuffler.choices(log, k=len(log))
    shuffler.shuffle(again)
    assert meaning(folded(again)) == meaning(folded(log))
    assert progress.status(folded(again)) == progress.status(folded(log))


@given(log=logs)
def test_processed_never_falls_and_the_last_run_that_finished_a_photo_tells_its_outcome(
    log: list[BatchLogEvent],
) -> None:
    state: Progress | None = None
    outcomes: dict[int, dict[int, str]] = {}
    seen = 0
    for event in log:
        state = progress.fold(state, event)
        if isinstance(event, PhotosFinished):
            for outcome in event.outcomes:
                of_photo = outcomes.setdefault(outcome.index, {})
                if of_photo.get(event.run) != "completed" and outcome.state != "cancelled":
                    of_photo[event.run] = outcome.state
        counts = progress.status(state).progress
        assert counts.processed >= seen
        seen = counts.processed
        last = [of_photo[max(of_photo)] for of_photo in outcomes.values() if of_photo]
        assert (counts.processed, counts.failed) == (len(last), last.count("failed"))


@given(log=logs)
def test_the_state_of_several_runs_survives_its_wire_form(log: list[BatchLogEvent]) -> None:
    state = folded(log)
    assert progress.decode(progress.encode(state)) == state


@given(log=logs)
def test_runs_whose_photos_all_finished_have_ended_and_are_swept_once(
    log: list[BatchLogEvent],
) -> None:
    state = folded(log)
    for number, photos in OF_RUN.items():
        state = progress.fold(state, starting(number))
        state = progress.fold(state, all_done(number, photos))
    assert not [run for run in progress.open_runs(state) if run.run in OF_RUN]
    for run in progress.unswept(state):
        swept = progress.told_until(state, run)
        told = RunSwept(batch=BATCH, project="p", run=run.run, told=swept)
        state = progress.fold(state, told)
    assert not any(progress.unswept(state))


def all_done(run: int, photos: BitMap) -> PhotosFinished:
    outcomes = tuple(
        Outcome(index=index, name="", state="completed", finished_at=1.0) for index in photos
    )
    return PhotosFinished(batch=BATCH, project="p", run=run, outcomes=outcomes)
