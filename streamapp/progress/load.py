"""What batches come to in photos, lane by lane, and what the workers have of them in work."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streamapp.progress import runs
from streamapp.topics import Lane, lane

if TYPE_CHECKING:
    from streamapp.progress.state import Progress, Run

LANE_PRIORITY_DEFAULT = 5


class Figures(NamedTuple):
    """Photos: ``owed`` are to be done yet, the others are done, ``failed`` by their last outcome.

    A photo that is done again is owed, and still counts as what it was before.
    """

    owed: int = 0
    completed: int = 0
    failed: int = 0

    def plus(self, other: Figures, times: int = 1) -> Figures:
        """Each with that of ``other``."""
        return Figures(*(mine + times * its for mine, its in zip(self, other, strict=True)))


class WorkerLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker tells: by partition and lane of the batches that it owns; in work, by lane.

    ``of`` is how many partitions there are, on all workers.
    """

    of: int
    partitions: dict[int, dict[Lane, Figures]]
    active: dict[Lane, int]


class GroupLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What those of the group tell who answered, by their address."""

    workers: dict[str, WorkerLoad]


def figures(state: Progress) -> tuple[Lane, Figures]:
    """What a batch comes to, and its lane."""
    finished = len(runs.finished(state)) if state.runs else state.processed
    failed = len(runs.failed(state))
    owed = sum(_owed(state, run) for run in runs.open_runs(state))
    return lane(state.priority or LANE_PRIORITY_DEFAULT), Figures(owed, finished - failed, failed)


def _owed(state: Progress, run: Run) -> int:
    if not state.runs:
        # Without sets: asked for every frame. An outcome may be told before its part.
        return max(0, state.total - run.processed)
    return len(runs.photos_of(state, run)) - runs.done(state, run)
