"""Who is told of every batch of the partitions that this worker has: `turns`, and `sweep`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from streamapp.progress import Progress


class Follower(Protocol):
    """What is told of the batches."""

    def put(self, partition: int, state: Progress) -> None:
        """A batch as it was recovered unsettled, or folded just now."""
        ...

    def clear(self) -> None:
        """All partitions are given away, or recovered anew."""
        ...


class Followers:
    """Several as one; more may join until the worker starts."""

    def __init__(self, *followers: Follower) -> None:
        self._followers = list(followers)

    def add(self, follower: Follower) -> None:
        """Let another one join."""
        self._followers.append(follower)

    def put(self, partition: int, state: Progress) -> None:
        """Tell all."""
        for each in self._followers:
            each.put(partition, state)

    def clear(self) -> None:
        """Tell all."""
        for each in self._followers:
            each.clear()
