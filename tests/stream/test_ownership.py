"""From where a worker folds after a takeover, and how long it may answer."""

from __future__ import annotations

from streamapp import progress
from streamapp.events import BatchCancelled, BatchOpened, Outcome, PhotosFinished
from streamapp.progress import Progress
from streamapp.stream.lease import Lease
from streamapp.stream.ownership import batches, unsettled


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
    found = [(at, state.batch) for at, state in unsettled(batches(rows, partition))]
    assert found == [(0, "b0"), (0, "b2"), (1, "b1")]


def test_finished_and_cancelled_batches_ask_for_nothing() -> None:
    cancelled = progress.fold(None, BatchCancelled(batch="b3", project="p", cancelled_at=1.0))
    rows = [row("b0", 70, photos=2, finished=2), (b"b3", progress.encode(cancelled))]
    assert list(unsettled(batches(rows, partition))) == []


def test_a_lease_holds_for_a_session_from_what_was_sent() -> None:
    clock = Clock()
    lease = Lease(session_timeout_s=6, clock=clock)
    assert not lease.holds, "nothing was heard yet"
    lease.renew(asked_at=98.0)
    clock.now = 103.9
    assert lease.holds
    clock.now = 104.0
    assert not lease.holds


def test_an_answer_that_comes_late_does_not_shorten_a_lease() -> None:
    clock = Clock()
    lease = Lease(session_timeout_s=6, clock=clock)
    lease.renew(asked_at=100.0)
    lease.renew(asked_at=95.0)
    clock.now = 105.0
    assert lease.holds
