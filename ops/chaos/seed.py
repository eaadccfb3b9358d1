"""One seed: an installation under load and faults, watched all the time, checked in the end.

When the faults have healed, every batch must end within a time limit; then everything is held
against everything (`checker`). Then the workers' group is set back to the beginning of all topics
and all of it is worked off once more, which must change nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from aiokafka.errors import KafkaError

from ops.bench.page import commit
from ops.chaos.checker import complaints, fingerprint
from ops.chaos.faults import Faults, set_back
from ops.chaos.group import lag
from ops.chaos.installation import running
from ops.chaos.journal import Journal
from ops.chaos.load import Load
from ops.chaos.orders import orders
from ops.chaos.photos import Album
from ops.chaos.plan import plan
from ops.chaos.pollers import Pollers
from ops.chaos.reading import read_evidence
from ops.chaos.takeover import Takeover, takeovers
from ops.chaos.watch import Watch
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ops.chaos.evidence import Evidence
    from ops.chaos.installation import Installation
    from ops.chaos.plan import Fault

READY_WITHIN_S = 120.0
POLL_S = 1.0


class Size(NamedTuple):
    """How much of everything."""

    faults: int = 6
    window_s: float = 60.0
    batches: int = 8
    photos: tuple[int, int] = (60, 200)
    settle_s: float = 300.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a seed; a line of the series' file.

    ``exits`` counts how members ended (``worker-1 -9``), whoever did it. ``settled_s`` is the time
    from the last fault's end until all batches had ended and nothing was left to read.
    """

    seed: int
    commit: str
    complaints: list[str]
    faults: list[str]
    skipped: list[str]
    photos: int
    batches: int
    longest_stall_s: float
    settled_s: float
    took_s: float
    takeovers: list[Takeover]
    exits: dict[str, int]


def run_seed(seed: int, size: Size, folder: Path) -> Result:
    """Run it in a folder of its own, which holds all logs afterwards."""
    began = time.monotonic()
    folder.mkdir(parents=True)
    drawn = plan(seed, faults=size.faults, window_s=size.window_s)
    small_disk = any(fault.kind == "disk full" for fault in drawn)
    journal = Journal(folder / "journal.jsonl")
    with running(folder, small_disk=small_disk) as installation:
        trial = Trial(installation, journal, seed, size)
        trial.run(drawn)
        return trial.result(seed, took_s=round(time.monotonic() - began, 1))


class Trial:
    """The course of a seed over an installation."""

    def __init__(self, installation: Installation, journal: Journal, seed: int, size: Size) -> None:
        self._it = installation
        self._journal = journal
        self._size = size
        self._watch = Watch()
        self._load = Load(installation, self._watch, journal)
        self._faults = Faults(installation, journal, seed=seed)
        self._pollers = Pollers(installation.urls, self._load.batches, self._watch)
        self._orders = orders(
            seed, Album(), batches=size.batches, photos=size.photos, window_s=size.window_s
        )
        self._wrong: list[str] = []
        self._settled_s = 0.0
        self._photos = 0

    def run(self, drawn: Sequence[Fault]) -> None:
        """Load and faults, then the checks."""
        if not self._within(READY_WITHIN_S, self._is_ready):
            self._wrong.append("the installation did not become ready")
            return
        with self._pollers:
            self._journal.write("begins", faults=len(drawn))
            self._load.start(self._orders)
            self._faults.start(drawn)
            self._load.finish()
            self._faults.finish()
            before = self._check("after the faults")
            set_back(self._it)
            after = self._check("after a full replay")
        for one, other in zip(before, after, strict=True):
            if fingerprint(one) != fingerprint(other):
                self._wrong.append(f"{one.batch}: a full replay changed it")

    def result(self, seed: int, *, took_s: float) -> Result:
        """What became of it."""
        failures = [*self._load.failures, *self._faults.failures]
        strokes = self._faults.strokes
        return Result(
            seed=seed,
            commit=commit(),
            complaints=[*self._wrong, *self._watch.complaints, *failures],
            faults=[stroke.fault.group for stroke in strokes],
            skipped=self._faults.skipped,
            photos=self._photos,
            batches=len(self._load.batches),
            longest_stall_s=round(self._watch.longest_stall_s, 1),
            settled_s=self._settled_s,
            took_s=took_s,
            takeovers=takeovers(strokes, self._pollers.seen),
            exits=dict(self._it.supervisor.exits),
        )

    def _check(self, when: str) -> list[Evidence]:
        """Wait until all is at rest, and hold it against each other."""
        began = time.monotonic()
        if not self._within(self._size.settle_s, self._is_at_rest):
            unrest = self._unrest() or "it was a moment later"
            self._wrong.append(f"{when}: not at rest within {self._size.settle_s:g} s: {unrest}")
        waited_s = round(time.monotonic() - began, 1)
        self._settled_s = self._settled_s or waited_s
        found = read_evidence(self._it, self._load.finish())
        self._photos = sum(len(each.wanted) for each in found)
        wrong = [f"{when}: {wrong}" for each in found for wrong in complaints(each)]
        self._wrong += wrong
        self._journal.write("checked", when=when, waited_s=waited_s, wrong=wrong)
        return found

    def _is_ready(self) -> bool:
        return all(member.is_ready() for member in self._it.supervisor.members.values())

    def _is_at_rest(self) -> bool:
        if self._unrest():
            return False
        time.sleep(POLL_S)  # what was just read may have brought more
        return self._lag() == 0

    def _unrest(self) -> str:
        """What there is still to be done, or nothing."""
        under_way = [
            name for name, id_ in self._load.batches.items() if not self._watch.has_ended(id_)
        ]
        if under_way:
            return f"{', '.join(under_way)} not ended"
        if not self._is_ready():
            return "a member is not ready"
        behind = self._lag()
        return f"{behind} events behind" if behind else ""

    def _lag(self) -> int:
        settings = self._it.settings
        try:
            return asyncio.run(lag(settings.kafka_bootstrap, topics(settings)))
        except (KafkaError, OSError):
            return -1

    @staticmethod
    def _within(limit_s: float, reached: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + limit_s
        while not reached():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True
