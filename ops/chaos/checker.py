"""The checker: holds archive, log, table, API, rows and objects against each other.

Pure, and of its own: it shares no code with the product, so it cannot share its errors. Each rule
yields sentences, and an exact batch gives none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ops.chaos.evidence import Evidence, RunInTable, best, final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.chaos.evidence import Told

ATTEMPTS = 3
RETRIED = frozenset({"photo_timed_out", "photo_crashed", "internal"})
"""The codes after which a photo is tried again."""


def complaints(evidence: Evidence) -> list[str]:
    """Everything that is wrong with a batch that is at rest."""
    rules = (_directory, _runs, _table, _answers, _rows, _crops, _graves)
    return [f"{evidence.batch}: {wrong}" for rule in rules for wrong in rule(evidence)]


def fingerprint(evidence: Evidence) -> dict[str, object]:
    """What a full replay must not change: outcomes, rows and crops.

    Photos of a cancelled batch that were never finished are left out: a replay may say so of more
    of them.
    """
    ends = {i: told for i, told in final(evidence).items() if told.state != "cancelled"}
    rows = sorted(row for row in evidence.rows if row.state != "cancelled")
    return {"outcomes": ends, "rows": rows, "crops": sorted(evidence.crops)}


def _finished(evidence: Evidence) -> dict[int, Told]:
    return {i: told for i, told in final(evidence).items() if told.state != "cancelled"}


def _directory(evidence: Evidence) -> Iterator[str]:
    """Every photo of the archive has ended, once, and as it had to."""
    ends = final(evidence)
    strangers = sorted(set(ends) - set(range(len(evidence.wanted))))
    if strangers:
        yield f"the log knows photos that are none: {strangers[:5]}"
    open_ends = [i for i in range(len(evidence.wanted)) if not _is_over(evidence, ends.get(i))]
    if open_ends:
        yield f"{len(open_ends)} photos have no final state: {open_ends[:5]}"
    for index, wanted in enumerate(evidence.wanted):
        told = ends.get(index)
        if told is None or (told.state == "cancelled" and evidence.cancel):
            continue
        if told.name != wanted.name:
            yield f"photo {index} is {wanted.name}, but the log calls it {told.name}"
        if told.code != wanted.code or len(told.crops) != wanted.faces:
            yield f"photo {index} {wanted} ended as {told}"


def _runs(evidence: Evidence) -> Iterator[str]:
    """Each run after the first has done every photo again."""
    for run in range(2, evidence.runs + 1):
        told = evidence.outcomes.get(run, {})
        done = {i for i, each in told.items() if any(one.state != "cancelled" for one in each)}
        undone = sorted(set(range(len(evidence.wanted))) - done)
        if undone:
            yield f"run {run} has left out {len(undone)} photos: {undone[:5]}"


def _is_over(evidence: Evidence, told: Told | None) -> bool:
    if _is_cancelled(evidence):
        return True
    return told is not None and told.state != "cancelled"


def _is_cancelled(evidence: Evidence) -> bool:
    return any(answer.status == "cancelled" for answer in evidence.answers.values())


def _table(evidence: Evidence) -> Iterator[str]:
    """The table of the owner says what the log says."""
    table = evidence.table
    if table is None:
        yield "no worker has it in its table"
        return
    finished = _finished(evidence)
    failed = {index for index, told in finished.items() if told.state == "failed"}
    if table.finished != set(finished):
        yield f"the table has other finished photos: {_differ(table.finished, set(finished))}"
    if table.failed != failed:
        yield f"the table has other failed photos: {_differ(table.failed, failed)}"
    if table.total != len(evidence.wanted):
        yield f"the table has {table.total} photos, the archive {len(evidence.wanted)}"
    if table.cancelled != _is_cancelled(evidence):
        yield "the table and the API differ about a cancellation"
    for run in range(2, evidence.runs + 1):
        yield from _run_in_table(evidence, run)


def _run_in_table(evidence: Evidence, run: int) -> Iterator[str]:
    ends = {index: best(told) for index, told in evidence.outcomes.get(run, {}).items()}
    finished = frozenset(index for index, told in ends.items() if told.state != "cancelled")
    failed = frozenset(index for index, told in ends.items() if told.state == "failed")
    known = evidence.table and evidence.table.runs.get(run)
    if not known:
        yield f"run {run} is not in the table"
    elif known != RunInTable(finished, failed):
        yield f"the table has other photos of run {run}: {_differ(known.finished, finished)}"


def _answers(evidence: Evidence) -> Iterator[str]:
    """Every member says that the batch has ended, and the same counts."""
    finished = _finished(evidence)
    failed = sum(told.state == "failed" for told in finished.values())
    if not any(source.startswith("uploader") for source in evidence.answers):
        yield "no uploader answers"
    for source, answer in evidence.answers.items():
        if answer.status != "completed" and not (evidence.cancel and answer.status == "cancelled"):
            yield f"{source} says it is {answer.status}"
        counts = (answer.processed, answer.failed, answer.total)
        if counts != (len(finished), failed, len(evidence.wanted)):
            yield f"{source} says {answer}, not {(len(finished), failed, len(evidence.wanted))}"


def _rows(evidence: Evidence) -> Iterator[str]:
    """A row for each face, or one for a photo without; all of it as the log tells."""
    ends = final(evidence)
    twice = [
        at for at, n in Counter((row.photo, row.face) for row in evidence.rows).items() if n > 1
    ]
    if twice:
        yield f"rows are there twice: {twice[:5]}"
    wanted = {row for index, told in ends.items() for row in _rows_of(index, told)}
    have = {(row.photo, row.face, row.name, row.state, row.crop, row.code) for row in evidence.rows}
    for row in sorted(wanted - have)[:5]:
        yield f"a row is missing or other than this: {row}"
    for other in sorted(have - wanted)[:5]:
        yield f"a row nobody told of: {other}"
    wrong = [row for row in evidence.rows if row.detected != bool(row.crop)]
    if wrong:
        yield f"rows of faces without a crop, or the other way round: {wrong[:3]}"


def _rows_of(index: int, told: Told) -> list[tuple[int, int, str, str, str, str]]:
    crops = told.crops or ("",)
    return [
        (index, face, told.name, told.state, crop, told.code) for face, crop in enumerate(crops)
    ]


def _crops(evidence: Evidence) -> Iterator[str]:
    """One crop for each face, and no other."""
    crops = [crop for told in _finished(evidence).values() for crop in told.crops]
    if len(set(crops)) != len(crops):
        yield "faces share a crop"
    lost, orphaned = set(crops) - evidence.crops, evidence.crops - set(crops)
    if lost:
        yield f"{len(lost)} crops are not in the store: {sorted(lost)[:3]}"
    if orphaned:
        yield f"{len(orphaned)} crops are nobody's: {sorted(orphaned)[:3]}"


def _graves(evidence: Evidence) -> Iterator[str]:
    """A photo that was tried in vain lies among the dead with each of its attempts."""
    for index, told in _finished(evidence).items():
        if told.code not in RETRIED:
            continue
        histories = evidence.dead.get(index, ())
        if not any(len(codes) == ATTEMPTS and codes[-1] == told.code for codes in histories):
            yield f"photo {index} died of {told.code} with the history {histories}"


def _differ(one: frozenset[int] | set[int], other: frozenset[int] | set[int]) -> str:
    return f"{sorted(one - other)[:5]} too many, {sorted(other - one)[:5]} missing"
