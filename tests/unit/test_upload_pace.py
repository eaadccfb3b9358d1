"""A client must keep a least pace."""

from __future__ import annotations

import pytest

from streamapp.errors import Code, StreamappError
from streamapp.upload.pace import Pace


def pace() -> Pace:
    return Pace(bytes_per_s_min=1000, window_s=10)


def assert_too_slow(pace: Pace, size: int, waited_s: float) -> None:
    with pytest.raises(StreamappError) as refusal:
        pace.add(size, waited_s)
    assert refusal.value.code is Code.BODY_TOO_SLOW


def test_the_least_average_is_enough_and_a_byte_less_is_not() -> None:
    pace().add(10_000, 10)
    assert_too_slow(pace(), 9_999, 10)


def test_nobody_is_judged_before_the_window_is_over() -> None:
    slow = pace()
    for _ in range(9):
        slow.add(1, 1)
    assert_too_slow(slow, 1, 1)


def test_a_fast_start_does_not_pay_for_a_slow_rest() -> None:
    slowing = pace()
    slowing.add(1_000_000_000, 10)
    slowing.add(1, 9)
    assert_too_slow(slowing, 1, 1)
