"""Turns: whose photos are queued next, and how many. No I/O; one event to wait for.

A batch has a turn for each of its runs that is open: one, as a rule. Of the photos that are queued
and not finished yet, the batches of a lane that this worker expands share a window; each has at
least `RUN_PHOTOS`, and the lane twice the window at most, so a batch that joins need not wait for
the photos of those before it to drain. Whoever had its turn goes to the end of its lane's ring, and
so do the lanes. A part that cannot be read for the moment is put aside, and a run that has a rate
waits as long as its last photos count; neither holds up anybody.

Asked after every event of the batch log: what is counted is kept, a lane that is full is not
searched, and a batch that is queued to its end is in no ring.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from streamapp import progress
from streamapp.stream.expanding import Expanding
from streamapp.stream.load import Load
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamapp.events import Cursor
    from streamapp.progress import Progress
    from streamapp.stream.load import Turn
    from streamapp.topics import Lane


class Turns:
    """The batches that this worker expands, in the order of their turns."""

    def __init__(self, *, window_photos: int, clock: Callable[[], float]) -> None:
        self.changed = asyncio.Event()
        self._window_photos = window_photos
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget all: the partitions are given away, or were recovered anew."""
        self._batches: dict[str, dict[int, Expanding]] = {}
        self._partitions: Counter[int] = Counter()
        self._loads: dict[Lane, Load] = {lane: Load(self._window_photos) for lane in LANES}
        self._retries: list[float] = []
        self.changed.set()

    def put(self, partition: int, state: Progress) -> None:
        """Note what was folded; a run that ended or was cancelled loses its turn at once."""
        known = self._batches.pop(state.batch, {})
        still = {run.run: run for run in progress.open_runs(state)}
        for number in known.keys() - still.keys():
            self._drop(known.pop(number))
        for number, run in still.items():
            if number in known:
                with self._recounted(known[number]):
                    known[number].fold(state, run)
            else:
                known[number] = Expanding(partition, state, run)
                self._add(known[number])
        if known:
            self._batches[state.batch] = known
        self.changed.set()

    def advance(self, turn: Turn, cursor: Cursor) -> None:
        """Note how far the turn's part is queued now, before the fold learns it."""
        if self.has(turn.batch):
            with self._recounted(turn.batch):
                turn.batch.advance(turn.part, cursor, self._clock())
            if turn.batch.not_before:
                heappush(self._retries, turn.batch.not_before)

    def put_aside(self, turn: Turn) -> float:
        """Pass the turn's part over for a while, longer each time; the seconds of it."""
        aside = turn.batch.put_aside(turn.part, self._clock())
        heappush(self._retries, aside.not_before)
        return aside.pause_s

    def has(self, batch: Expanding) -> bool:
        """Whether the run of the batch is still to be expanded here."""
        return self._batches.get(batch.state.batch, {}).get(batch.run.run) is batch

    def partitions(self) -> set[int]:
        """The partitions of the batches."""
        return set(self._partitions)

    def retry_s(self) -> float | None:
        """Seconds until what was put aside, or waits for its rate, is due; None without any."""
        return max(0.0, self._retries[0] - self._clock()) if self._retries else None

    def next(self, may: Callable[[int], bool]) -> Turn | None:
        """The next turn of a batch whose partition ``may``; None when none has room."""
        now = self._clock()
        while self._retries and self._retries[0] <= now:
            heappop(self._retries)
        for lane, load in self._loads.items():
            if turn := load.next(may, now):
                self._loads[lane] = self._loads.pop(lane)
                return turn
        return None

    def _add(self, batch: Expanding) -> None:
        self._partitions[batch.partition] += 1
        self._loads[batch.lane].enter(batch)

    def _drop(self, batch: Expanding) -> None:
        load = self._loads[batch.lane]
        load.leave(batch)
        load.forget(batch)
        self._partitions[batch.partition] -= 1
        self._partitions += Counter()  # without those that are none any more

    @contextmanager
    def _recounted(self, batch: Expanding) -> Iterator[None]:
        """Let a batch change; it keeps its place in the ring, unless it goes to another one."""
        before = self._loads[batch.lane]
        before.leave(batch)
        yield
        after = self._loads[batch.lane]
        after.enter(batch)
        if after is not before or not batch.waiting:
            before.forget(batch)
