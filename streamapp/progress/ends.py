"""The ends of a batch's runs: what receivers are told of, once each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from streamapp.progress import runs
from streamapp.progress.status import run_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.progress.state import Progress
    from streamapp.progress.status import RunStatus

EndType = Literal["batch.completed", "batch.failed", "batch.cancelled"]


class End(NamedTuple):
    """A run that has ended: how, when (Unix seconds), and with which counts."""

    type: EndType
    at: float
    run: RunStatus


def ends(state: Progress) -> Iterator[End]:
    """The runs that have ended, of a cancelled one when nothing of it is in work any more.

    A run all of whose photos failed is ``batch.failed``.
    """
    if not state.is_opened:
        return
    for run in (state, *state.runs):
        if runs.has_ended(state, run):
            at = max(run.started_at, run.finished_at, run.cancelled_at)
            told = run_status(state, run)
            yield End(_type(told), at, told)


def _type(run: RunStatus) -> EndType:
    if run.status == "cancelled":
        return "batch.cancelled"
    return "batch.failed" if run.failed == run.photos else "batch.completed"
