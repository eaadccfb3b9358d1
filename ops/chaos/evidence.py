"""What is known of a batch from each side that knows something of it, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Wanted(NamedTuple):
    """A photo of the archive's directory and how it must end: its faces, or a code."""

    name: str
    faces: int = 0
    code: str = ""


class Told(NamedTuple):
    """An outcome of the batch log; ``crops`` has a key for each face."""

    name: str
    state: str
    crops: tuple[str, ...] = ()
    code: str = ""


class Row(NamedTuple):
    """A row of the database."""

    photo: int
    face: int
    name: str
    state: str
    detected: bool
    crop: str
    code: str


class RunInTable(NamedTuple):
    """A later run in the progress table."""

    finished: frozenset[int]
    failed: frozenset[int]


class Table(NamedTuple):
    """A batch in the progress table of the worker that owns it, with its later runs by number."""

    finished: frozenset[int]
    failed: frozenset[int]
    total: int
    cancelled: bool
    runs: Mapping[int, RunInTable] = {}


class Answer(NamedTuple):
    """What the API of a member says."""

    status: str
    processed: int
    failed: int
    total: int


class Evidence(NamedTuple):
    """All of it; ``outcomes`` by run and photo, ``dead`` has the codes of each burial's attempts.

    ``cancel`` tells whether somebody asked for that, ``runs`` how many runs there must be.
    """

    batch: str
    wanted: tuple[Wanted, ...]
    cancel: bool
    outcomes: dict[int, dict[int, tuple[Told, ...]]]
    table: Table | None
    answers: dict[str, Answer]
    rows: tuple[Row, ...]
    crops: frozenset[str]
    dead: dict[int, tuple[tuple[str, ...], ...]]
    runs: int = 1


RANK = ("cancelled", "failed", "completed")
"""Of what was told twice of a photo in a run, the later in this list counts."""


def best(told: tuple[Told, ...]) -> Told:
    """Of what was told of a photo in one run, what counts."""
    return max(told, key=lambda each: RANK.index(each.state))


def final(evidence: Evidence) -> dict[int, Told]:
    """The outcome of each photo that counts: of the last run that finished it."""
    found: dict[int, Told] = {}
    for run in sorted(evidence.outcomes):
        for index, told in evidence.outcomes[run].items():
            one = best(told)
            if one.state != "cancelled" or index not in found:
                found[index] = one
    return found
