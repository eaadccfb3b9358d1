"""What a batch comes to in photos, and all batches of a worker, lane by lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyroaring import BitMap

from streamapp import progress
from streamapp.events import (
    BatchCancelled,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    PriorityChanged,
    RunPart,
    RunStarted,
)
from streamapp.progress import Figures, figures
from streamapp.stream.loads import Loads

if TYPE_CHECKING:
    from streamapp.events import BatchLogEvent
    from streamapp.topics import Lane

OPENED = BatchOpened(
    batch="b1",
    project="p",
    priority=5,
    archive="archives/a.zip",
    archive_bytes=1000,
    name="photos.zip",
    photos=10,
    opened_at=1.0,
)
QUEUED = ExpansionAdvanced(batch="b1", project="p", first_index=0, cursor=Cursor(index=10))
URGENT = PriorityChanged(batch="b1", project="p", priority=1, changed_at=2.0)
CANCELLED = BatchCancelled(batch="b1", project="p", cancelled_at=3.0)
AGAIN = RunStarted(
    batch="b1",
    project="p",
    run=2,
    started_at=4.0,
    priority=9,
    photos=progress.serialized(BitMap([8, 9])),
    parts=(RunPart(first_index=0, archive="archives/a.zip", archive_bytes=1000, photos=10),),
)


def finished(first: int, end: int, *, failed: bool = False, run: int = 1) -> PhotosFinished:
    outcomes = tuple(
        Outcome(
            index=index,
            name=f"{index}.jpg",
            state="failed" if failed else "completed",
            finished_at=9.0,
        )
        for index in range(first, end)
    )
    return PhotosFinished(batch="b1", project="p", outcomes=outcomes, run=run)


def after(*log: BatchLogEvent) -> progress.Progress:
    state = None
    for event in log:
        state = progress.fold(state, event)
    assert state is not None
    return state


def test_a_batch_owes_what_is_not_finished() -> None:
    assert figures(after(OPENED)) == ("normal", Figures(10, 0, 0))
    some = (finished(0, 3), finished(3, 5, failed=True))
    assert figures(after(OPENED, *some)) == ("normal", Figures(5, 3, 2))
    assert figures(after(OPENED, *some, *some, QUEUED)) == ("normal", Figures(5, 3, 2))


def test_a_batch_is_in_the_lane_of_its_priority_by_now() -> None:
    assert figures(after(OPENED, URGENT))[0] == "high"
    assert figures(after(URGENT))[0] == "high"


def test_a_cancelled_batch_owes_nothing() -> None:
    assert figures(after(OPENED, finished(0, 3), CANCELLED)) == ("normal", Figures(0, 3, 0))


def test_what_is_done_again_is_owed_again_and_counts_once() -> None:
    done = (OPENED, QUEUED, finished(0, 8), finished(8, 10, failed=True))
    assert figures(after(*done, AGAIN)) == ("low", Figures(2, 8, 2))
    assert figures(after(*done, AGAIN, finished(8, 9, run=2))) == ("low", Figures(1, 9, 1))
    assert figures(after(*done, AGAIN, finished(8, 10, run=2))) == ("low", Figures(0, 10, 0))


def told(loads: Loads, *partitions: int) -> dict[int, dict[Lane, Figures]]:
    return loads.told(3, partitions.__contains__)


def test_what_a_batch_was_before_is_counted_no_more() -> None:
    log = (OPENED, finished(0, 3), URGENT, QUEUED, finished(3, 10), AGAIN)
    loads, state = Loads(), None
    for event in log:
        before, state = state, progress.fold(state, event)
        loads.changed(1, before, state)
    assert state is not None
    other = Loads()
    other.changed(1, None, state)
    assert told(loads, 1) == told(other, 1)
    assert told(loads, 1)[1] == {
        "high": Figures(),
        "normal": Figures(),
        "low": Figures(2, 10, 0),
    }


def test_only_partitions_that_may_be_answered_for_are_told() -> None:
    loads = Loads()
    loads.changed(1, None, after(OPENED))
    loads.changed(2, None, after(OPENED))
    nothing: dict[Lane, Figures] = {"high": Figures(), "normal": Figures(), "low": Figures()}
    assert told(loads, 0, 2) == {0: nothing, 2: nothing | {"normal": Figures(10, 0, 0)}}
    loads.clear()
    assert told(loads, 2) == {2: nothing}
