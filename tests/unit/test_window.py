"""The in-order window."""

from __future__ import annotations

import random

from streamapp.stream.window import Window


def opened(*offsets: int) -> Window[str]:
    window: Window[str] = Window()
    for offset in offsets:
        window.take(offset, f"at {offset}")
    return window


def test_the_first_delivery_is_released_when_it_is_finished() -> None:
    assert opened(7, 8).finish(7) == ["at 7"]


def test_a_later_delivery_waits_for_the_ones_in_front_of_it() -> None:
    window = opened(7, 8, 9)
    assert window.finish(9) == []
    assert window.finish(8) == []
    assert window.finish(7) == ["at 7", "at 8", "at 9"]
    assert len(window) == 0


def test_offsets_may_have_gaps() -> None:
    window = opened(3, 10)
    assert window.finish(10) == []
    assert window.finish(3) == ["at 3", "at 10"]


def test_whatever_the_order_everything_is_released_once_and_in_order() -> None:
    offsets = list(range(100, 400))
    window = opened(*offsets)
    finished = random.sample(offsets, k=len(offsets))
    released = [delivery for offset in finished for delivery in window.finish(offset)]
    assert released == [f"at {offset}" for offset in offsets]
