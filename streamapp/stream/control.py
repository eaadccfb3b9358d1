"""What every worker knows of the runs of all batches: the cancelled and the replaced ones.

A photo of a cancelled run is passed over with the outcome ``cancelled``; one that a later run does
again is passed over without any, since its outcome is that of the later run. So a cancellation
costs no decode, and events of long ago that are delivered again change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyroaring import BitMap

from streamapp.events import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamapp.events import RunControl
    from streamapp.stream.backlog import Delivery


class Verdict(NamedTuple):
    """What is to be done with the photos of a delivery, in its order.

    Those in neither are replaced: nothing is said of them.
    """

    due: tuple[Delivery, ...]
    cancelled: tuple[Outcome, ...]


class Control:
    """The facts that were told on the topic of controls so far."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cancelled: set[tuple[str, int]] = set()
        self._replaced: dict[str, dict[int, BitMap]] = {}

    def fold(self, told: RunControl) -> None:
        """Note what was told; any order and any repetition give the same."""
        if told.cancelled:
            self._cancelled.add((told.batch, told.run))
        if told.photos:
            of_batch = self._replaced.setdefault(told.batch, {})
            of_batch[told.run] = of_batch.get(told.run, BitMap()) | BitMap.deserialize(told.photos)

    def verdict(self, deliveries: Sequence[Delivery]) -> Verdict:
        """What is to be done with photos of one run of a batch."""
        first = deliveries[0].photo
        later = BitMap().union(
            *(
                photos
                for run, photos in self._replaced.get(first.batch, {}).items()
                if run > first.run
            )
        )
        due = tuple(each for each in deliveries if each.photo.index not in later)
        if (first.batch, first.run) not in self._cancelled:
            return Verdict(due, ())
        now = self._clock()
        return Verdict(
            (),
            tuple(
                Outcome(
                    index=each.photo.index,
                    name=each.photo.name,
                    state="cancelled",
                    finished_at=now,
                )
                for each in due
            ),
        )
