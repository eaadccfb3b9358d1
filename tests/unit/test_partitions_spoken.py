"""How a worker's journal names partitions."""

from __future__ import annotations

import pytest
from faust.types import TP

from streamapp.stream.journal import ranges, spoken


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([], ""),
        ([7], "7"),
        ([1, 0], "0-1"),
        ([0, 1, 2, 5, 7, 8], "0-2, 5, 7-8"),
    ],
)
def test_neighbours_are_drawn_together(numbers: list[int], told: str) -> None:
    assert ranges(numbers) == told


def test_topics_with_the_same_partitions_are_told_together() -> None:
    tps = [TP("b", 0), TP("b", 1), TP("a", 1), TP("a", 0), TP("c", 3)]
    assert spoken(tps) == "0-1 of a, b; 3 of c"
