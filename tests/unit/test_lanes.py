"""The lanes' shares: 6 to 3 to 1 in photos, lent while idle, nobody starves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from streamapp.stream.lanes import WEIGHTS, LaneShares
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Collection

    from streamapp.topics import Lane


def serve(
    shares: LaneShares, turns: int, waiting: Collection[Lane] = LANES, photos: int = 1
) -> list[Lane]:
    """The lanes of the next turns."""
    served = []
    for _ in range(turns):
        lane = shares.order(waiting)[0]
        shares.spend(lane, photos)
        served.append(lane)
    return served


def test_of_ten_photos_each_lane_gets_its_share() -> None:
    assert Counter(serve(LaneShares(), 10)) == {"high": 6, "normal": 3, "low": 1}


def test_whole_runs_are_shared_alike() -> None:
    assert Counter(serve(LaneShares(), 10, photos=32)) == {"high": 6, "normal": 3, "low": 1}


def test_photos_count_and_not_turns() -> None:
    shares, given = LaneShares(), Counter[str]()
    run: dict[Lane, int] = {"high": 1, "normal": 7, "low": 32}
    for _ in range(5000):
        lane = shares.order(LANES)[0]
        shares.spend(lane, run[lane])
        given[lane] += run[lane]
    fair = given.total() / sum(WEIGHTS.values())
    for lane, weight in WEIGHTS.items():
        assert abs(given[lane] - fair * weight) <= max(run.values())


def test_the_share_of_a_lane_without_photos_is_lent() -> None:
    assert Counter(serve(LaneShares(), 8, ["normal", "low"])) == {"normal": 6, "low": 2}
    assert serve(LaneShares(), 3, ["low"]) == ["low"] * 3


def test_the_highest_lane_that_waits_is_served_first() -> None:
    assert LaneShares().order(["low", "normal"]) == ["normal", "low"]


def test_a_lane_that_comes_late_is_served_at_once() -> None:
    shares = LaneShares()
    serve(shares, 1000, ["low"], photos=32)
    shares.awake("high")
    assert serve(shares, 1, ["low", "high"]) == ["high"]


def test_a_lane_does_not_save_up_what_it_did_not_use() -> None:
    shares = LaneShares()
    serve(shares, 1000, ["high", "normal"])
    shares.awake("low")
    assert Counter(serve(shares, 100))["low"] <= 11
