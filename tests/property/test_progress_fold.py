"""The fold of the batch log is idempotent and free of order, whatever the log holds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from streamapp import progress
from streamapp.events import (
    BatchLogEvent,
    BatchOpened,
    BatchRejected,
    Outcome,
    PhotosFinished,
)

BATCH = "b1"
PHOTOS = 40

opened = st.builds(
    BatchOpened,
    batch=st.just(BATCH),
    project=st.just("p"),
    priority=st.just(5),
    archive=st.just("archives/b1.zip"),
    name=st.just("photos.zip"),
    photos=st.just(PHOTOS),
    skipped=st.just(2),
    opened_at=st.floats(1, 1000),
)
rejected = st.builds(
    BatchRejected,
    batch=st.just(BATCH),
    project=st.just("p"),
    code=st.just("archive_broken"),
    detail=st.just(""),
    rejected_at=st.floats(1, 1000),
)
outcomes = st.builds(
    Outcome,
    index=st.integers(0, PHOTOS - 1),
    name=st.just("a.jpg"),
    state=st.sampled_from(["completed", "failed"]),
    finished_at=st.floats(1, 1000),
)
finished = st.builds(
    PhotosFinished,
    batch=st.just(BATCH),
    project=st.just("p"),
    outcomes=st.lists(outcomes, max_size=8).map(tuple),
)
logs = st.lists(st.one_of(opened, finished, finished, rejected), min_size=1, max_size=12)


def folded(log: list[BatchLogEvent]) -> progress.Progress:
    state = None
    for event in log:
        state = progress.fold(state, event)
    assert state is not None
    return state


@given(log=logs, seed=st.integers())
def test_any_order_and_any_repetition_give_the_same_progress(
    log: list[BatchLogEvent], seed: int
) -> None:
    shuffler = random.Random(seed)  # noqa: S311 - an order, not a secret
    again = log + shuffler.choices(log, k=len(log))
    shuffler.shuffle(again)
    assert folded(again) == folded(log)


@given(log=logs)
def test_a_photo_is_in_one_final_state_at_most(log: list[BatchLogEvent]) -> None:
    status = progress.status(folded(log))
    outcomes = [o for event in log if isinstance(event, PhotosFinished) for o in event.outcomes]
    done = {o.index for o in outcomes if o.state == "completed"}
    assert status.progress.processed == len({o.index for o in outcomes})
    assert status.progress.failed == len({o.index for o in outcomes} - done)


@given(log=logs)
def test_the_state_survives_its_wire_form(log: list[BatchLogEvent]) -> None:
    state = folded(log)
    assert progress.decode(progress.encode(state)) == state
