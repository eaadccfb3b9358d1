"""How long a takeover took is seen from who answers for the batches."""

from __future__ import annotations

import pytest

from ops.chaos.faults import Stroke
from ops.chaos.plan import Fault
from ops.chaos.takeover import Takeover, takeovers
from ops.chaos.watch import Seen


def stroke(kind: str, at: float, target: str = "worker-1") -> Stroke:
    return Stroke(Fault(at, kind, target, 0), at, at)


def answer(source: str, ended: float, batch: str = "b1") -> Seen:
    return Seen(ended - 0.1, ended, source, batch, "processing", 1, 9)


BEFORE = [answer("worker-1", 9.0), answer("worker-2", 9.0, "b2")]


def test_it_lasts_until_the_slowest_batch_is_answered_for() -> None:
    others = [
        answer("worker-2", 14.0),
        answer("worker-1", 9.5, "b3"),
        answer("worker-3", 17.5, "b3"),
    ]
    assert takeovers([stroke("kill", 10)], [*BEFORE, *others]) == [
        Takeover("kill", 7.5, alone=True)
    ]


@pytest.mark.parametrize(("kind", "took_s"), [("term", 6.0), ("kill", 2.0)])
def test_a_worker_that_is_asked_to_end_is_not_its_own_successor(kind: str, took_s: float) -> None:
    answers = [*BEFORE, answer("worker-1", 12.0), answer("worker-2", 16.0)]
    assert takeovers([stroke(kind, 10)], answers) == [Takeover(kind, took_s, alone=True)]


def test_what_an_uploader_says_tells_nothing_of_who_owns_a_batch() -> None:
    answers = [*BEFORE, answer("uploader-1", 11.0), answer("worker-2", 16.0)]
    assert takeovers([stroke("kill", 10)], answers) == [Takeover("kill", 6.0, alone=True)]


def test_a_worker_that_owned_nothing_is_not_taken_over() -> None:
    answers = [answer("worker-2", 9.0), answer("worker-3", 16.0)]
    assert takeovers([stroke("kill", 10), stroke("freeze", 10)], answers) == []


def test_one_beside_another_fault_is_not_alone() -> None:
    beside = stroke("freeze", 12, "worker-2")
    answers = [*BEFORE, answer("worker-2", 14.0)]
    assert takeovers([stroke("kill", 10), beside], answers) == [Takeover("kill", 4.0, alone=False)]
