"""Whatever waits and however long the runs are: fair shares, no lane starves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from streamapp.archive import RUN_PHOTOS
from streamapp.stream.lanes import WEIGHTS, LaneShares
from streamapp.topics import LANES

if TYPE_CHECKING:
    from streamapp.topics import Lane

runs = st.lists(st.integers(1, RUN_PHOTOS), max_size=300)
turns = st.lists(st.tuples(st.sets(st.sampled_from(LANES), min_size=1), st.integers(1, RUN_PHOTOS)))

WHOLE = sum(WEIGHTS.values())
HEAVIEST = max(WEIGHTS.values())


def after(history: list[tuple[set[Lane], int]]) -> LaneShares:
    """Shares that have served a history of who waited and how long the run was."""
    shares, before = LaneShares(), set[str]()
    for waiting, photos in history:
        for lane in sorted(waiting - before):
            shares.awake(lane)
        shares.spend(shares.order(waiting)[0], photos)
        before = set(waiting)
    for lane in LANES:
        if lane not in before:
            shares.awake(lane)
    return shares


@given(history=turns, busy=runs)
def test_while_all_lanes_wait_each_gets_its_share(
    history: list[tuple[set[Lane], int]], busy: list[int]
) -> None:
    shares, served = after(history), Counter[str]()
    for photos in busy:
        lane = shares.order(LANES)[0]
        shares.spend(lane, photos)
        served[lane] += photos
    for lane, weight in WEIGHTS.items():
        # A run too much or too few of each lane, and a run that was begun before.
        bound = 2 * RUN_PHOTOS * len(LANES)
        assert abs(served[lane] - served.total() * weight / WHOLE) <= bound


@given(history=turns, lane=st.sampled_from(LANES), busy=runs)
def test_a_lane_that_waits_has_its_turn_after_few_photos_of_the_others(
    history: list[tuple[set[Lane], int]], lane: Lane, busy: list[int]
) -> None:
    shares, others = after(history), Counter[str]()
    for photos in busy:
        first = shares.order(LANES)[0]
        if first == lane:
            break
        shares.spend(first, photos)
        others[first] += photos
    for other, photos in others.items():
        most = RUN_PHOTOS * WEIGHTS[other] / WEIGHTS[lane]  # type: ignore[index] # they are lanes
        assert photos <= 2 * (most + RUN_PHOTOS)
