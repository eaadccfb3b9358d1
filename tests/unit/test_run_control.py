"""What a worker knows of the runs of all batches, and what it does with their photos then."""

from __future__ import annotations

import tracemalloc
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest
from pyroaring import BitMap

from streamapp.events import (
    BatchCancelled,
    Outcome,
    PhotoQueued,
    PriorityChanged,
    RunControl,
    RunStarted,
    encode,
)
from streamapp.stream.backlog import Delivery
from streamapp.stream.control import Control, told_to_workers
from streamapp.stream.tally import spoken

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = 17.5


def delivery(index: int, run: int, batch: str) -> Delivery:
    photo = PhotoQueued(
        batch=batch,
        project="p",
        index=index,
        name=f"{index}.jpg",
        archive="archives/b.zip",
        header_offset=0,
        compressed_bytes=1,
        photo_bytes=1,
        method=0,
        crc=0,
        run=run,
    )
    return Delivery(cast("Any", None), photo, "normal")


def cancelled(run: int, batch: str = "b1") -> RunControl:
    return RunControl(batch=batch, run=run, cancelled=True)


def started(run: int, photos: Iterable[int], batch: str = "b1") -> RunControl:
    return RunControl(batch=batch, run=run, photos=BitMap(photos).serialize())


def verdict(
    told: Iterable[RunControl], *, run: int = 1, batch: str = "b1"
) -> tuple[list[int], list[int]]:
    """The indexes, of photos 0 to 4, that are due and that are cancelled."""
    control = Control(lambda: NOW)
    for each in told:
        control.take(encode(each))
    found = control.verdict([delivery(index, run, batch) for index in range(5)])
    return [each.photo.index for each in found.due], [each.index for each in found.cancelled]


ALL, NONE = list(range(5)), list[int]()

CASES = [
    ([], 1, ALL, NONE),
    ([cancelled(1)], 1, NONE, ALL),
    ([cancelled(1)], 2, ALL, NONE),
    ([cancelled(2)], 1, ALL, NONE),
    ([cancelled(1, "b2")], 1, ALL, NONE),
    ([started(2, [1, 3])], 1, [0, 2, 4], NONE),
    ([started(2, [1, 3])], 2, ALL, NONE),
    ([started(2, [1, 3])], 3, ALL, NONE),
    ([started(2, [1]), started(3, [3])], 1, [0, 2, 4], NONE),
    ([started(2, [1]), started(3, [3])], 2, [0, 1, 2, 4], NONE),
    ([started(2, ALL, "b2")], 1, ALL, NONE),
    ([cancelled(1), started(2, [1, 3])], 1, NONE, [0, 2, 4]),
    ([cancelled(2), started(2, [1, 3])], 1, [0, 2, 4], NONE),
    ([cancelled(2), started(2, [1, 3])], 2, NONE, ALL),
    ([started(2, ALL)], 1, NONE, NONE),
]


@pytest.mark.parametrize(("told", "run", "due", "passed_over"), CASES)
def test_photos_of_a_cancelled_run_are_cancelled_and_those_done_again_not_told(
    told: list[RunControl], run: int, due: list[int], passed_over: list[int]
) -> None:
    chance = Random(run)  # noqa: S311 - no secret
    for _ in range(3):
        assert verdict(told, run=run) == (due, passed_over)
        chance.shuffle(told)
        told = [*told, *told[:1]]


def test_workers_are_told_of_a_run_that_begins_and_of_one_that_is_cancelled() -> None:
    again = BitMap([1, 3]).serialize()
    begun = RunStarted(
        batch="b1", project="p", run=2, started_at=NOW, priority=5, photos=again, parts=()
    )
    over = BatchCancelled(batch="b1", project="p", cancelled_at=NOW, run=2)
    changed = PriorityChanged(batch="b1", project="p", priority=1, changed_at=NOW)
    assert told_to_workers(begun) == started(2, [1, 3])
    assert told_to_workers(over) == cancelled(2)
    assert told_to_workers(changed) is None
    assert told_to_workers(None) is None


def test_a_run_of_no_photos_is_spoken_of_and_ends_nobody() -> None:
    """The set of none is no bytes, which pyroaring does not read."""
    begun = RunStarted(
        batch="b1", project="p", run=2, started_at=NOW, priority=5, photos=b"", parts=()
    )
    told = told_to_workers(begun)
    assert told
    assert spoken(told) == "Batch b1: run 2 does 0 photos again."


def test_the_outcome_of_a_cancelled_photo_says_which_and_when() -> None:
    control = Control(lambda: NOW)
    control.fold(cancelled(1))
    assert control.verdict([delivery(3, 1, "b1")]).cancelled == (
        Outcome(index=3, name="3.jpg", state="cancelled", finished_at=NOW),
    )


@pytest.mark.parametrize(
    "unreadable",
    [
        b"",
        b"no JSON",
        b'{"type":"PhotosFinished","batch":"b1","run":1}',
        b'{"type":"RunControl","batch":"b1","run":1,"photos":"eA=="}',
        b'{"type":"RunControl","batch":"b1","run":9,"photos":"no base64"}',
    ],
)
def test_a_control_that_cannot_be_read_is_logged_and_passed_over(
    unreadable: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    control = Control(lambda: NOW)
    control.take(unreadable)
    assert "cannot be read" in caplog.text
    assert len(control.verdict([delivery(0, 1, "b1")]).due) == 1
    control.take(encode(cancelled(1)))
    assert len(control.verdict([delivery(0, 1, "b1")]).cancelled) == 1


def test_a_control_without_a_value_says_nothing_and_ends_nobody() -> None:
    """Somebody deleted a key by hand; each worker reads the topic from its beginning."""
    control = Control(lambda: NOW)
    control.take(encode(cancelled(1)))
    control.take(None)
    assert len(control.verdict([delivery(0, 1, "b1")]).cancelled) == 1


def test_ten_thousand_runs_are_known_in_a_few_megabytes() -> None:
    photos = BitMap(range(1_000_000))
    photos.run_optimize()
    told = photos.serialize()
    control = Control(lambda: NOW)
    tracemalloc.start()
    try:
        for number in range(10_000):
            batch = f"{number:032x}"
            control.take(encode(cancelled(1, batch)))
            control.take(encode(RunControl(batch=batch, run=2, photos=told)))
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 10 << 20
