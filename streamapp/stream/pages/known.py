"""Which batches a worker tells of: those of its partitions under way, and the newest of its table.

Batch ids sort by time, so the newest are the last of the table's keys. Rows are decoded when
somebody asks, each once for as long as it does not change.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

from streamapp import progress
from streamapp.keys import batch_key
from streamapp.stream.pages.batches import RECENT_MAX, UNDER_WAY_MAX, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamapp.progress import Progress
    from streamapp.stream.pages.report import Batch


class KnownBatches:
    """A `followers.Follower`, told of every batch as it is folded."""

    def __init__(
        self,
        row: Callable[[bytes], bytes | None],
        newest: Callable[[int], Iterable[bytes]],
        may_tell: Callable[[bytes], bool],
    ) -> None:
        """Know of none.

        Args:
            row: A batch's row, by its key.
            newest: Keys of the table's newest rows, at most so many of each partition.
            may_tell: Whether the worker answers for the key's partition.
        """
        self._row = row
        self._newest = newest
        self._may_tell = may_tell
        self._open: dict[str, None] = {}
        self._told: dict[bytes, tuple[bytes, Batch]] = {}

    def put(self, _partition: int, state: Progress) -> None:
        """A batch as it is now."""
        if progress.is_settled(state):
            self._open.pop(state.batch, None)
        else:
            self._open[state.batch] = None

    def clear(self) -> None:
        """All partitions are given away, or recovered anew."""
        self._open.clear()
        self._told.clear()

    @property
    def under_way(self) -> int:
        """How many are not settled."""
        return len(self._open)

    def told(self) -> tuple[Batch, ...]:
        """What is told of them, in no order."""
        keys = {batch_key(batch) for batch in nlargest(UNDER_WAY_MAX, self._open)}
        keys |= set(nlargest(RECENT_MAX, self._newest(RECENT_MAX)))
        told = {}
        for key in filter(self._may_tell, keys):
            row = self._row(key)
            if row:
                before = self._told.get(key)
                told[key] = before if before and before[0] == row else (row, _line(row))
        self._told = told
        return tuple(each for _, each in told.values())


def _line(row: bytes) -> Batch:
    return line(progress.decode(row))
