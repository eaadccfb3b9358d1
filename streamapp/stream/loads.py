"""What the batches of this worker come to, by partition and lane: kept, never counted again.

Counted once when the table was recovered, and from then on by what each fold changes. A fold that
changes nothing, of an event that is told again, changes nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.progress import Figures, figures
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamapp.progress import Progress
    from streamapp.topics import Lane


class Loads:
    """The figures of all batches that this worker has rows of."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all: the partitions are given away, or recovered anew."""
        self._figures: dict[tuple[int, Lane], Figures] = {}

    def changed(self, partition: int, before: Progress | None, after: Progress) -> None:
        """Count a batch as it is now, and no more as it was ``before``."""
        if before:
            self._add(partition, before, -1)
        self._add(partition, after, 1)

    def told(
        self, partitions: int, answers_for: Callable[[int], bool]
    ) -> dict[int, dict[Lane, Figures]]:
        """By partition and lane, of those partitions that this worker may answer for."""
        return {
            partition: {lane: self._figures.get((partition, lane), Figures()) for lane in LANES}
            for partition in filter(answers_for, range(partitions))
        }

    def _add(self, partition: int, state: Progress, times: int) -> None:
        lane, its = figures(state)
        known = self._figures.get((partition, lane), Figures())
        self._figures[partition, lane] = known.plus(its, times)
