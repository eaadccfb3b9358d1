"""Whose turn it is among the lanes: 6 to 3 to 1 in photos, idle shares lent. Pure.

A lane that was served is due again the later, the less it weighs and the more photos it was given;
whoever is due first has the turn (the stride scheduling of Waldspurger and Weihl, 1995). While all
lanes wait, each gets its share of the photos to within a run; a lane alone gets everything. None
starves: before a waiting lane has its turn, each other lane is served for as long as one run of
the waiting lane counts, and one run more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Collection

    from streamapp.topics import Lane

WEIGHTS: dict[Lane, int] = {"high": 6, "normal": 3, "low": 1}
"""Photos of each lane among ten, while all of them have photos that wait."""

_STRIDES = {lane: max(WEIGHTS.values()) // weight for lane, weight in WEIGHTS.items()}


class LaneShares:
    """When each lane is due, in a time that goes on with the photos that are handed out."""

    def __init__(self) -> None:
        self._due: dict[Lane, int] = dict.fromkeys(LANES, 0)
        self._now = 0

    def awake(self, lane: Lane) -> None:
        """Note that a lane without photos has some again; what it did not use meanwhile is gone."""
        self._due[lane] = max(self._due[lane], self._now)

    def order(self, waiting: Collection[Lane]) -> list[Lane]:
        """The lanes that wait, whoever is due first in front; the higher lane where two are."""
        return sorted((lane for lane in LANES if lane in waiting), key=self._due.__getitem__)

    def spend(self, lane: Lane, photos: int) -> None:
        """Count photos that the lane was given."""
        self._now = max(self._now, self._due[lane])
        self._due[lane] += photos * _STRIDES[lane]
