"""How far the runs of a batch are.

The outcome of a photo is that of the last run which finished it, so what a later run does again is
no affair of the earlier ones any more: the workers pass it over there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyroaring import BitMap

from streamapp.events import encode
from streamapp.keys import FIRST_RUN
from streamapp.progress.state import indexes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.events import RunStarted
    from streamapp.progress.state import Progress, Run


def finished(state: Progress) -> BitMap:
    """The photos that any run has finished."""
    return BitMap().union(*(indexes_of(run.finished) for run in (state, *state.runs)))


def failed(state: Progress) -> BitMap:
    """The photos whose outcome, that of the last run which finished them, is a failure."""
    of_all = indexes_of(state.failed)
    for run in state.runs:
        of_all = (of_all - indexes_of(run.finished)) | indexes_of(run.failed)
    return of_all


def photos_of(state: Progress, run: Run) -> BitMap:
    """The photos that the run does, as far as they are known."""
    if run.run == FIRST_RUN:
        return BitMap(range(state.total))
    return indexes_of(run.due) | indexes_of(run.finished)


def is_complete(state: Progress) -> bool:
    """Whether all photos of the batch are known, and each was finished by some run."""
    processed = len(finished(state)) if state.runs else state.processed
    return state.is_known_wholly and processed >= state.total


def has_ended(state: Progress, run: Run) -> bool:
    """Whether nothing of the run is to come: its photos are told, or what it had queued of them."""
    if not run.is_announced:
        return False
    if run.cancelled_at:
        return not (_queued(state, run) - _told(state, run))
    if run.run != FIRST_RUN:
        return not (indexes_of(run.due) - _told(state, run))
    if not state.runs:
        return is_complete(state)
    return state.is_known_wholly and not (photos_of(state, run) - _told(state, run))


def open_runs(state: Progress) -> Iterator[Run]:
    """The runs whose photos are to be queued, or are awaited."""
    for run in (state, *state.runs):
        if not (run.cancelled_at or has_ended(state, run)):
            yield run


def done(state: Progress, run: Run) -> int:
    """How many photos of the run nothing more is awaited of."""
    return len(_told(state, run) & photos_of(state, run)) if state.runs else run.processed


def told_until(state: Progress, run: Run) -> int:
    """How much was told of photos in the run and those before it; it grows with all that is told.

    With each outcome a crop may have come, and one may be left of each photo that was passed over.
    """
    until = (each for each in (state, *state.runs) if each.run <= run.run)
    return sum(2 * each.processed + len(indexes_of(each.passed_over)) for each in until)


def is_swept(state: Progress, run: Run) -> bool:
    """Whether no crop is left that the run replaced, nor of a photo that it passed over."""
    if run.run == FIRST_RUN and not run.passed_over:
        return True
    return run.swept >= told_until(state, run)


def unswept(state: Progress) -> Iterator[Run]:
    """The runs that have ended and may have left crops that are nobody's."""
    for run in (state, *state.runs):
        if not is_swept(state, run) and has_ended(state, run):
            yield run


def over(state: Progress) -> dict[int, BitMap]:
    """By the number of a run, the photos of which its crops are nobody's.

    A later run that has ended finished them, or it passed them over itself when it was cancelled:
    a worker that died then may have put their crops and told nothing.
    """
    found, replaced = {}, BitMap()
    for run in reversed((state, *state.runs)):
        ended = has_ended(state, run)
        passed_over = indexes_of(run.passed_over) if ended else BitMap()
        found[run.run] = replaced | passed_over
        if ended:
            replaced = replaced | indexes_of(run.finished)
    return found


def is_settled(state: Progress) -> bool:
    """Whether nothing that the batch log may still hold changes the batch's status or crops."""
    return all(has_ended(state, run) and is_swept(state, run) for run in (state, *state.runs))


def bytes_max(started: RunStarted) -> int:
    """The most bytes that a run can add to the state, whatever becomes of its photos.

    Beside what is told of it, names and counts, a cursor for each part and four sets: the photos
    that are finished, those that failed, those that are due and those that were passed over.
    """
    told = len(encode(started)) + 256 + 64 * len(started.parts)
    return told + 4 * _subset_bytes(started.photos)


def _subset_bytes(serialized: bytes) -> int:
    """The most bytes of a subset of a bitmap: 2 for an index, or 8 KiB for 65,536, and a header."""
    indexes = indexes_of(serialized)
    chunks = range(0, (indexes.max() if indexes else 0) + 1, 1 << 16)
    sizes = (indexes.range_cardinality(at, at + (1 << 16)) for at in chunks)
    return 16 + sum(min(8192, 2 * size) + 16 for size in sizes)


def _queued(state: Progress, run: Run) -> BitMap:
    queued = BitMap()
    for part in run.parts:
        queued.add_range(part.first_index, part.first_index + part.cursor.index)
    return queued if run.run == FIRST_RUN else queued & photos_of(state, run)


def _told(state: Progress, run: Run) -> BitMap:
    """The photos of which the run's workers have told something, or will tell nothing."""
    later = (photos_of(state, each) for each in state.runs if each.run > run.run)
    return indexes_of(run.finished) | indexes_of(run.passed_over) | BitMap().union(*later)
