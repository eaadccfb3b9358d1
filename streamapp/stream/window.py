"""The in-order window of one partition: work finishes in any order, acks go out in offset order.

Faust commits past a gap when a later offset was acknowledged first, and what lies in the gap is
lost if the worker dies then. So nothing is acknowledged before everything in front of it is.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Window(Generic[T]):
    """Deliveries of one partition that were taken and not yet acknowledged, by offset."""

    def __init__(self) -> None:
        self._open: dict[int, T] = {}
        self._finished: set[int] = set()

    def __len__(self) -> int:
        """How many deliveries wait for their acknowledgement."""
        return len(self._open)

    def take(self, offset: int, delivery: T) -> None:
        """Enter a delivery; offsets come in ascending order, as the partition gives them."""
        self._open[offset] = delivery

    def finish(self, offset: int) -> list[T]:
        """Note that the delivery's effect is durable.

        Returns:
            The deliveries that may be acknowledged now, in offset order: often none or several.
        """
        self._finished.add(offset)
        released = []
        while self._open and (first := next(iter(self._open))) in self._finished:
            self._finished.discard(first)
            released.append(self._open.pop(first))
        return released
