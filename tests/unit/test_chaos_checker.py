"""The checker of the chaos suite: silent about an exact batch, and never about another."""

from __future__ import annotations

from typing import Any

import pytest

from ops.chaos.checker import complaints, fingerprint
from ops.chaos.evidence import Answer, Evidence, Row, RunInTable, Table, Told, Wanted

BATCH = "b"
WANTED = (
    Wanted("face1-0.jpg", faces=1),
    Wanted("face2-1.jpg", faces=2),
    Wanted("face0-2.jpg"),
    Wanted("bad_photo_broken-3.jpg", code="photo_broken"),
    Wanted("bad_photo_timed_out-4.jpg", code="photo_timed_out"),
)
TOLD = (
    Told("face1-0.jpg", "completed", ("c0",)),
    Told("face2-1.jpg", "completed", ("c1", "c1-1")),
    Told("face0-2.jpg", "completed"),
    Told("bad_photo_broken-3.jpg", "failed", code="photo_broken"),
    Told("bad_photo_timed_out-4.jpg", "failed", code="photo_timed_out"),
)
ROWS = (
    Row(0, 0, "face1-0.jpg", "completed", detected=True, crop="c0", code=""),
    Row(1, 0, "face2-1.jpg", "completed", detected=True, crop="c1", code=""),
    Row(1, 1, "face2-1.jpg", "completed", detected=True, crop="c1-1", code=""),
    Row(2, 0, "face0-2.jpg", "completed", detected=False, crop="", code=""),
    Row(3, 0, TOLD[3].name, "failed", detected=False, crop="", code="photo_broken"),
    Row(4, 0, TOLD[4].name, "failed", detected=False, crop="", code="photo_timed_out"),
)
ANSWER = Answer("completed", processed=5, failed=2, total=5)
TABLE = Table(frozenset(range(5)), frozenset({3, 4}), total=5, cancelled=False)
EXACT = Evidence(
    batch=BATCH,
    wanted=WANTED,
    cancel=False,
    outcomes={1: {index: (told,) for index, told in enumerate(TOLD)}},
    table=TABLE,
    answers={"uploader-1": ANSWER, "worker-1": ANSWER},
    rows=ROWS,
    crops=frozenset({"c0", "c1", "c1-1"}),
    dead={4: (("photo_timed_out",) * 3,)},
)
DONE_AGAIN = RunInTable(TABLE.finished, TABLE.failed)
AGAIN = EXACT._replace(
    runs=2,
    outcomes=EXACT.outcomes | {2: EXACT.outcomes[1]},
    table=TABLE._replace(runs={2: DONE_AGAIN}),
)


def outcomes(**changed: Told) -> dict[int, dict[int, tuple[Told, ...]]]:
    told: dict[int, tuple[Told, ...]] = {index: (each,) for index, each in enumerate(TOLD)}
    told.update({int(name[1:]): (each,) for name, each in changed.items()})
    return {1: told}


def without(index: int) -> dict[int, dict[int, tuple[Told, ...]]]:
    return {1: {at: (told,) for at, told in enumerate(TOLD) if at != index}}


def test_an_exact_batch_is_not_complained_of() -> None:
    assert complaints(EXACT) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"outcomes": without(2)}, "no final state"),
        ({"outcomes": outcomes(p9=TOLD[0])}, "photos that are none"),
        ({"outcomes": outcomes(p0=TOLD[0]._replace(name="x"))}, "the log calls it x"),
        ({"outcomes": outcomes(p2=TOLD[2]._replace(state="failed", code="internal"))}, "ended as"),
        ({"outcomes": outcomes(p1=TOLD[1]._replace(crops=("c1",)))}, "ended as"),
        ({"table": None}, "no worker has it"),
        ({"table": TABLE._replace(finished=frozenset(range(4)))}, "other finished photos"),
        ({"table": TABLE._replace(failed=frozenset({3}))}, "other failed photos"),
        ({"table": TABLE._replace(total=6)}, "the table has 6 photos"),
        ({"table": TABLE._replace(cancelled=True)}, "differ about a cancellation"),
        ({"answers": {"worker-1": ANSWER}}, "no uploader answers"),
        ({"answers": {"uploader-1": ANSWER._replace(status="processing")}}, "it is processing"),
        ({"answers": {"uploader-1": ANSWER._replace(status="cancelled")}}, "it is cancelled"),
        ({"answers": {"uploader-1": ANSWER._replace(processed=6)}}, "uploader-1 says"),
        ({"rows": ROWS[1:]}, "a row is missing"),
        ({"rows": (*ROWS, ROWS[0])}, "there twice"),
        ({"rows": (*ROWS, ROWS[0]._replace(photo=9))}, "nobody told of"),
        ({"rows": (*ROWS[1:], ROWS[0]._replace(crop="c9"))}, "a row is missing or other"),
        ({"rows": (*ROWS[1:], ROWS[0]._replace(detected=False))}, "without a crop"),
        ({"crops": frozenset({"c0", "c1"})}, "not in the store"),
        ({"crops": EXACT.crops | {"c9"}}, "nobody's"),
        ({"dead": {}}, "died of photo_timed_out"),
        ({"dead": {4: (("photo_timed_out",) * 2,)}}, "died of photo_timed_out"),
    ],
)
def test_whatever_is_wrong_is_told(wrong: dict[str, Any], said: str) -> None:
    told = complaints(EXACT._replace(**wrong))

    assert any(said in each for each in told), told


def test_faces_that_share_a_crop_are_told_of() -> None:
    shared = outcomes(p1=TOLD[1]._replace(crops=("c0", "c1-1")))

    assert any("share a crop" in each for each in complaints(EXACT._replace(outcomes=shared)))


def test_a_cancelled_batch_may_have_open_ends_only_if_somebody_cancelled_it() -> None:
    wrong = _cancelled(cancel=False)
    assert complaints(_cancelled(cancel=True)) == []
    assert complaints(wrong) != []


def test_the_better_of_two_outcomes_and_the_last_run_count() -> None:
    twice = outcomes()
    twice[1][0] = (TOLD[0], TOLD[0]._replace(state="failed", crops=(), code="internal"))
    twice[2] = {1: (TOLD[1], Told(TOLD[1].name, "cancelled"))}

    assert complaints(EXACT._replace(outcomes=twice)) == []


@pytest.mark.parametrize(
    "second",
    [
        {},
        {2: {}},
        {2: without(2)[1]},
        {2: outcomes(p2=TOLD[2]._replace(state="cancelled"))[1]},
    ],
)
def test_a_run_that_left_a_photo_out_is_told_of(
    second: dict[int, dict[int, tuple[Told, ...]]],
) -> None:
    assert complaints(AGAIN) == []
    told = complaints(AGAIN._replace(outcomes=EXACT.outcomes | second))
    assert any("run 2 has left out" in each for each in told)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ({}, "run 2 is not in the table"),
        ({2: DONE_AGAIN._replace(finished=frozenset(range(4)))}, "other photos of run 2"),
        ({2: DONE_AGAIN._replace(failed=frozenset({3}))}, "other photos of run 2"),
    ],
)
def test_a_later_run_that_the_table_tells_wrong_is_told_of(
    runs: dict[int, RunInTable], said: str
) -> None:
    told = complaints(AGAIN._replace(table=TABLE._replace(runs=runs)))

    assert any(said in each for each in told), told


def test_a_repeated_outcome_changes_no_fingerprint_but_a_lost_crop_does() -> None:
    again = outcomes()
    again[1][0] *= 2

    assert fingerprint(EXACT._replace(outcomes=again)) == fingerprint(EXACT)
    assert fingerprint(EXACT._replace(crops=frozenset({"c0"}))) != fingerprint(EXACT)


def _cancelled(*, cancel: bool) -> Evidence:
    """It was cancelled when the first photo was done; of the second it was told."""
    done: dict[int, tuple[Told, ...]] = {
        0: (TOLD[0],),
        1: (Told(WANTED[1].name, "cancelled"),),
    }
    row = Row(1, 0, WANTED[1].name, "cancelled", detected=False, crop="", code="")
    return EXACT._replace(
        cancel=cancel,
        outcomes={1: done},
        table=Table(frozenset({0}), frozenset(), total=5, cancelled=True),
        answers={"uploader-1": Answer("cancelled", processed=1, failed=0, total=5)},
        rows=(ROWS[0], row),
        crops=frozenset({"c0"}),
        dead={},
    )
