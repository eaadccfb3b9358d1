"""What is told of a batch that is replayed: a line for a person, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamapp.progress import Status


class Told(NamedTuple):
    """A batch, and its ``photos`` that a run does again, ``failed`` of which are failed before.

    ``run`` is the run's number, 0 when it has not ``begun``: a dry run, or no photo to do.
    ``anew``: it was begun by this command, and not by the same one before. ``ended`` is the
    batch's status when the run has ended and was waited for.
    """

    batch: str
    photos: int
    failed: int
    run: int = 0
    anew: bool = True
    ended: Status | None = None


def text(told: Told) -> str:
    """The line for a person."""
    if not told.photos:
        return f"{told.batch}: no photo to do again"
    if not told.run:
        return f"{told.batch}: {counted(told.photos, 'photo')}, {told.failed} failed"
    if told.ended is not None:
        counts = told.ended.progress
        return (
            f"{told.batch}: run {told.run} of {counted(told.photos, 'photo')} has ended: the batch "
            f"is {told.ended.status}, {counts.failed} of {counted(counts.total, 'photo')} failed"
        )
    known = "" if told.anew else "; the same replay had begun it before"
    return f"{told.batch}: run {told.run} does {counted(told.photos, 'photo')} again{known}"


def json_line(told: Told) -> str:
    """The same as members, and those of the API's ``batch`` when the run was waited for."""
    members = {
        "batchId": told.batch,
        "run": told.run,
        "photos": told.photos,
        "failedBefore": told.failed,
    }
    known = msgspec.to_builtins(told.ended) if told.ended else {}
    return msgspec.json.encode(known | members).decode()


def summary(told: Sequence[Told], *, dry: bool) -> str:
    """The last line: all batches together."""
    done = [each for each in told if each.photos]
    photos, failed = sum(each.photos for each in done), sum(each.failed for each in done)
    what = f"{counted(len(done), 'batch')}, {counted(photos, 'photo')}, {failed} failed"
    return f"dry run, nothing was begun: {what}" if dry else f"in all: {what}"


def counted(number: int, noun: str) -> str:
    """``1 photo``, ``2 photos``, ``2 batches``."""
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
