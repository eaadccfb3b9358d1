"""The watch of the chaos suite: what may be said of a batch after what was said of it."""

from __future__ import annotations

import pytest

from ops.chaos.watch import Seen, Watch

BEFORE = Seen(1.0, 1.1, "uploader-1", "b", "processing", 5, 9)
AFTER = BEFORE._replace(began=2.0, ended=2.1, source="worker-1")
ENDED = BEFORE._replace(status="completed", processed=9)


def complaints_of(*seen: Seen) -> list[str]:
    watch = Watch()
    for each in seen:
        watch.see(each)
    return watch.complaints


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (AFTER._replace(processed=4), "processed fell from 5"),
        (AFTER._replace(total=8), "the total fell from 9"),
        (AFTER._replace(processed=10), "more processed than there are"),
    ],
)
def test_what_falls_or_is_too_much_is_told(later: Seen, said: str) -> None:
    assert [said in each for each in complaints_of(BEFORE, later)] == [True]


def test_what_is_wrong_again_and_again_is_told_once_of_each_batch() -> None:
    later = AFTER._replace(processed=4)
    other = [each._replace(batch="c") for each in (BEFORE, later)]
    assert len(complaints_of(BEFORE, later, later._replace(began=3.0), *other)) == 2


def test_progress_is_nothing_to_complain_of() -> None:
    assert complaints_of(BEFORE, AFTER, AFTER._replace(began=3, ended=4, processed=9)) == []


def test_of_answers_asked_for_at_the_same_time_either_may_be_the_older() -> None:
    assert complaints_of(BEFORE, BEFORE._replace(began=1.05, ended=1.2, processed=4)) == []


def test_an_answer_that_comes_late_is_held_against_what_was_told_before_it_was_asked_for() -> None:
    slow = AFTER._replace(began=1.2, ended=9.0, processed=4)

    assert complaints_of(BEFORE, AFTER._replace(processed=7), slow)[0].startswith("processed fell")


def test_a_batch_that_has_ended_stays_so() -> None:
    assert "completed before" in complaints_of(ENDED, AFTER._replace(processed=9))[0]


def test_an_end_at_which_something_may_still_change_is_waited_for() -> None:
    watch = Watch()
    watch.see(ENDED._replace(settled=False))
    assert not watch.has_ended("b")
    watch.see(ENDED._replace(began=2.0, ended=2.1))
    assert watch.has_ended("b")


def test_another_batch_is_another_matter() -> None:
    assert complaints_of(ENDED, AFTER._replace(batch="c")) == []


def test_a_batch_that_was_joined_may_go_on_and_has_not_ended_until_all_of_it_has() -> None:
    watch = Watch()
    watch.see(ENDED)
    watch.reopen("b", 1.5, total=12)
    watch.see(ENDED._replace(began=2.0, ended=2.1))
    assert not watch.has_ended("b")

    watch.see(AFTER._replace(began=3.0, ended=3.1, processed=9, total=12))
    assert not watch.has_ended("b")
    watch.see(ENDED._replace(began=4.0, ended=4.1, processed=12, total=12))

    assert watch.has_ended("b")
    assert watch.complaints == []


def test_the_longest_time_without_news_is_that_of_a_batch_under_way() -> None:
    watch = Watch()
    for at, processed in [(1.0, 1), (3.0, 2), (8.0, 9)]:
        watch.see(BEFORE._replace(began=at, ended=at + 0.1, processed=processed))
    watch.see(ENDED._replace(began=9.0, ended=9.1))
    watch.see(BEFORE._replace(began=60.0, ended=60.1, batch="c"))

    assert watch.longest_stall_s == pytest.approx(5.0)


def test_there_is_no_stall_before_anything_was_told() -> None:
    watch = Watch()
    watch.reopen("b", 1.0, total=9)
    watch.see(AFTER)
    assert watch.longest_stall_s == 0


def test_the_end_of_an_earlier_run_is_not_that_of_the_batch_that_is_done_again() -> None:
    watch = Watch()
    watch.see(ENDED)
    watch.reopen("b", 1.5, total=9, run=2)
    watch.see(ENDED._replace(began=2.0, ended=2.1))
    assert not watch.has_ended("b")

    watch.see(ENDED._replace(began=3.0, ended=3.1, status="processing", run=2))
    watch.see(ENDED._replace(began=4.0, ended=4.1, run=2))
    assert watch.has_ended("b")
    assert watch.complaints == []
