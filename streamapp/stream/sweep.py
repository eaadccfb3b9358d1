"""Sweep: when a run has ended, the crops that are nobody's go: what it replaced, or left behind.

A task in each worker looks at the batches that the worker answers for. A crop goes when a later
run, one that has ended, has finished its photo, or when its own run was cancelled and passed its
photo over: whoever put it died before it could say so, and the photo was delivered again after the
cancellation. Or was only cut off from Kafka: so the batch of a cancelled run is left alone until
nothing was told of it for a while, and who is not back by then has lost its partitions.

When all are gone the batch log is told so. It may be done twice or by two at once: killed anywhere,
the successor finds the run unswept and looks again. While the store is away it waits. The row of
the later run may follow a moment after, or when the database is back; until then the row of the
earlier run names a crop that is gone.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pyroaring import BitMap

from streamapp import progress
from streamapp.events import RunSwept
from streamapp.keys import CROPS, crop_place
from streamapp.stream.intake import ending_the_worker
from streamapp.stream.outlet import Outlet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faust import App

    from connectors.objects.interface import Stored
    from streamapp.progress import Progress
    from streamapp.stream.circuit import Circuits
    from streamapp.topics import Topics

PAGE_CROPS = 250
"""Crops that are looked at between two looks at the circuit; a stop waits for one page."""

DOUBT_S = 0.5
"""How often is looked while a batch waits: nobody tells when its partition can be answered for."""


class Crops(Protocol):
    """What a sweep asks of the object store."""

    def listing(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """The objects under ``prefix`` whose key comes behind ``after``, in order."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; it may be gone already."""
        ...


def register(
    app: App,
    *,
    topics: Topics,
    crops: Crops,
    circuits: Circuits,
    answers_for: Callable[[int], bool],
    quiet_s: float,
) -> Sweeper:
    """Attach the task ``sweep`` to the app; it wants to be told of each batch.

    ``quiet_s`` is how long nothing must have been told of a batch with a cancelled run.
    """
    outlet = Outlet(app, topics, circuits.kafka)
    sweeper = Sweeper(outlet, crops, circuits, answers_for, quiet_s=quiet_s)

    async def sweep() -> None:
        await sweeper.run()

    app.task(ending_the_worker(app, sweep))
    return sweeper


class _Waiting(NamedTuple):
    """A batch to be swept, the partition it is on, and when, by ``time.monotonic``."""

    partition: int
    state: Progress
    due: float


class Sweeper:
    """The batches that wait to be swept, and their end."""

    def __init__(
        self,
        outlet: Outlet,
        crops: Crops,
        circuits: Circuits,
        answers_for: Callable[[int], bool],
        *,
        quiet_s: float,
    ) -> None:
        self._outlet = outlet
        self._crops = crops
        self._circuit = circuits.objects
        self._answers_for = answers_for
        self._quiet_s = quiet_s
        self._changed = asyncio.Event()
        self._waiting: dict[str, _Waiting] = {}

    def clear(self) -> None:
        """Forget all: the partitions are given away, or were recovered anew."""
        self._waiting.clear()

    def put(self, partition: int, state: Progress) -> None:
        """Note what was folded."""
        if runs := list(progress.unswept(state)):
            quiet_s = self._quiet_s if any(run.passed_over for run in runs) else 0.0
            self._waiting[state.batch] = _Waiting(partition, state, time.monotonic() + quiet_s)
            self._changed.set()
        else:
            self._waiting.pop(state.batch, None)

    async def run(self) -> None:
        """Sweep one batch after the other, for ever."""
        while True:
            self._changed.clear()
            if state := self._next():
                await self._sweep(state)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(DOUBT_S if self._waiting else None):
                        await self._changed.wait()

    def _next(self) -> Progress | None:
        for batch, (partition, state, due) in self._waiting.items():
            if due <= time.monotonic() and self._answers_for(partition):
                del self._waiting[batch]
                return state
        return None

    async def _sweep(self, state: Progress) -> None:
        over = progress.over(state)
        after: str | None = ""
        while after is not None:
            page = partial(sweep_page, self._crops, state.batch, over, after)
            after = await self._circuit.patiently(partial(asyncio.to_thread, page))
        for run in progress.unswept(state):
            await self._outlet.tell(
                RunSwept(
                    batch=state.batch,
                    project=state.project,
                    run=run.run,
                    told=progress.told_until(state, run),
                )
            )


def sweep_page(crops: Crops, batch: str, over: dict[int, BitMap], after: str) -> str | None:
    """Look at the crops of a batch behind ``after``; the key to go on behind, None at the end.

    ``over`` are the photos of which the crops of the run of that number go. What is no crop stays.
    """
    prefix = f"{CROPS}{batch}/"
    page = list(islice(crops.listing(prefix, after or _of_next(prefix, over, 0)), PAGE_CROPS))
    for crop in page:
        if _is_over(crop.key, over):
            crops.delete(crop.key)
    if len(page) < PAGE_CROPS:
        return None
    last = page[-1].key
    if not (place := crop_place(last)):
        return last
    nearest = _of_next(prefix, over, place[0])
    return max(last, nearest) if nearest else None


def _is_over(key: str, over: dict[int, BitMap]) -> bool:
    if not (place := crop_place(key)):
        return False
    index, run = place
    return index in over.get(run, ())


def _of_next(prefix: str, over: dict[int, BitMap], index: int) -> str:
    """What comes right before the crops of the first photo of ``over`` from ``index`` on."""
    to_come = BitMap().union(*over.values())
    to_come.remove_range(0, index)
    return f"{prefix}{to_come.min():08d}" if to_come else ""
