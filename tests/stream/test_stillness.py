"""How long what owes an advance has not made one."""

from __future__ import annotations

import pytest

from streamapp.stream.watchdog import Stillness


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stillness(clock: Clock) -> Stillness:
    return Stillness(clock)


def seconds(stillness: Stillness, mark: int, *, owes: bool = True, name: str = "photos") -> float:
    return stillness.seconds(name, mark, owes=owes)


def test_what_does_not_advance_stands_since_it_was_seen_first(
    stillness: Stillness, clock: Clock
) -> None:
    assert seconds(stillness, 1) == 0
    clock.now += 50
    assert seconds(stillness, 1) == 50


def test_an_advance_begins_anew(stillness: Stillness, clock: Clock) -> None:
    seconds(stillness, 1)
    clock.now += 50
    assert seconds(stillness, 2) == 0
    clock.now += 7
    assert seconds(stillness, 2) == 7


def test_what_owes_nothing_does_not_stand(stillness: Stillness, clock: Clock) -> None:
    seconds(stillness, 1)
    clock.now += 50
    assert seconds(stillness, 1, owes=False) == 0
    clock.now += 7
    assert seconds(stillness, 1) == 7


def test_each_is_counted_for_itself(stillness: Stillness, clock: Clock) -> None:
    seconds(stillness, 1)
    clock.now += 50
    assert seconds(stillness, 1, name="archives") == 0
    assert seconds(stillness, 1) == 50


def test_what_is_forgotten_is_not_counted(stillness: Stillness, clock: Clock) -> None:
    seconds(stillness, 1)
    clock.now += 50
    stillness.forget()
    assert seconds(stillness, 1) == 0
