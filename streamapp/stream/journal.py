"""What a worker says of itself in its log: a handful of lines from its start to its end.

The partitions that it gained and lost at each rebalance, and when it is ready after it; that it
stops, and that it has. What is wrong is said where it is noticed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from faust.types import TP

    from streamapp.stream.generations import WorkerApp
    from streamapp.stream.ownership import Ownership

LOOK_S = 0.1

_log = logging.getLogger(__name__)


def register(app: WorkerApp, *, ownership: Ownership, clock: Callable[[], float]) -> None:
    """Attach the journal to the app; its first line is written now."""
    journal = Journal(app, ownership, clock)
    app.on_partitions_assigned.connect(journal.assigned, weak=False)
    app.task(journal.watch)


class Journal:
    """Tells what changed, and for how long it was so."""

    def __init__(self, app: WorkerApp, ownership: Ownership, clock: Callable[[], float]) -> None:
        self._app = app
        self._ownership = ownership
        self._clock = clock
        self._held: frozenset[TP] = frozenset()
        self._began = clock()

    async def assigned(self, *signalled: Any, **_options: Any) -> None:
        """Tell how the partitions differ from those before."""
        assigned: Collection[TP] = signalled[1]
        changelogs = self._app.tables.changelog_topics
        now_held = frozenset(tp for tp in assigned if tp.topic not in changelogs)
        gained, lost = now_held - self._held, self._held - now_held
        self._held = now_held
        if gained:
            _log.info("Partitions gained: %s.", spoken(gained))
        if lost:
            _log.info("Partitions lost: %s.", spoken(lost))
        if not gained and not lost:
            _log.info("Kafka has shared the partitions out anew; this worker keeps its own.")

    async def watch(self) -> None:
        """Tell of readiness each time it comes, for ever."""
        was_ready = False
        while True:
            is_ready = self._ownership.ready
            if is_ready and not was_ready:
                _log.info("Ready in %.1f s.", self._clock() - self._began)
            if was_ready and not is_ready:
                self._began = self._clock()
            was_ready = is_ready
            await asyncio.sleep(LOOK_S)


def spoken(tps: Iterable[TP]) -> str:
    """The partitions in few words: topics that have the same ones are told together."""
    by_topic: dict[str, list[int]] = defaultdict(list)
    for tp in tps:
        by_topic[tp.topic].append(tp.partition)
    by_numbers: dict[str, list[str]] = defaultdict(list)
    for topic, numbers in sorted(by_topic.items()):
        by_numbers[ranges(numbers)].append(topic)
    return "; ".join(f"{numbers} of {', '.join(same)}" for numbers, same in by_numbers.items())


def ranges(numbers: Iterable[int]) -> str:
    """The numbers with neighbours drawn together: ``0-3, 7``."""
    drawn: list[list[int]] = []
    for number in sorted(numbers):
        if drawn and number == drawn[-1][-1] + 1:
            drawn[-1][1:] = [number]
        else:
            drawn.append([number])
    return ", ".join("-".join(map(str, each)) for each in drawn)
