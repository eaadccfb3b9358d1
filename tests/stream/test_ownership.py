"""From where a worker folds after a takeover, and when it doubts itself."""

from __future__ import annotations

from streamapp import progress
from streamapp.events import BatchCancelled, BatchOpened, Outcome, PhotosFinished
from streamapp.progress import Progress
from streamapp.stream.ownership import Pulse, unsettled


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def row(batch: str, log_offset: int, *, photos: int | None, finished: int) -> tuple[bytes, bytes]:
    state: Progress | None = Progress(batch=batch, log_offset=log_offset)
    if photos is not None:
        opening = BatchOpened(
            batch=batch,
            project="p",
            priority=5,
            archive="a",
            archive_bytes=1000,
            name="n",
            photos=photos,
            skipped=0,
            opened_at=1.0,
        )
        state = progress.fold(state, opening)
    outcomes = tuple(
        Outcome(index=index, name="", state="completed", finished_at=1.0)
        for index in range(finished)
    )
    state = progress.fold(state, PhotosFinished(batch=batch, project="p", outcomes=outcomes))
    return batch.encode(), progress.encode(state)


def partition(key: bytes) -> int:
    return key[-1] % 2


def test_the_unfinished_batches_are_found_with_their_partitions() -> None:
    rows = [
        row("b0", 70, photos=9, finished=3),
        row("b2", 40, photos=9, finished=0),
        row("b4", 10, photos=9, finished=9),
        row("b1", 25, photos=None, finished=1),
    ]
    found = [(at, state.batch) for at, state in unsettled(rows, partition)]
    assert found == [(0, "b0"), (0, "b2"), (1, "b1")]


def test_finished_and_cancelled_batches_ask_for_nothing() -> None:
    cancelled = progress.fold(None, BatchCancelled(batch="b3", project="p", cancelled_at=1.0))
    rows = [row("b0", 70, photos=2, finished=2), (b"b3", progress.encode(cancelled))]
    assert list(unsettled(rows, partition)) == []


def test_a_process_that_runs_is_steady() -> None:
    clock = Clock()
    pulse = Pulse(session_timeout_s=6, clock=clock)
    for _ in range(100):
        clock.now += 0.5
        pulse.beat()
        assert pulse.is_steady()


def test_a_process_that_stood_still_doubts_itself_for_a_session() -> None:
    clock = Clock()
    pulse = Pulse(session_timeout_s=6, clock=clock)
    clock.now += 10
    assert not pulse.is_steady(), "also when a request comes before the next beat"
    for _ in range(11):
        clock.now += 0.5
        assert not pulse.is_steady()
    clock.now += 0.6
    assert pulse.is_steady()


def test_a_short_stop_is_forgiven() -> None:
    clock = Clock()
    pulse = Pulse(session_timeout_s=6, clock=clock)
    clock.now += 2.9
    assert pulse.is_steady()
