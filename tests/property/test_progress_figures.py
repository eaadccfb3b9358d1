"""What a batch comes to agrees with its status, whatever of its log is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings

from streamapp import progress
from streamapp.stream.loads import Loads
from tests.property.test_progress_runs import logs

if TYPE_CHECKING:
    from streamapp.events import BatchLogEvent
    from streamapp.progress import Progress


@settings(max_examples=400)
@given(log=logs)
def test_figures_agree_with_the_status_after_every_event(log: list[BatchLogEvent]) -> None:
    state: Progress | None = None
    loads = Loads()
    for event in log:
        before, state = state, progress.fold(state, event)
        loads.changed(0, before, state)
        lane, figures = progress.figures(state)
        status = progress.status(state)
        assert figures.completed + figures.failed == status.progress.processed
        assert figures.failed == status.progress.failed
        assert min(figures) >= 0
        assert loads.told(1, lambda _: True)[0][lane] == figures
        if status.status == "completed" and not state.runs:
            assert figures.owed == 0
    assert state is not None
    if progress.is_settled(state):
        assert figures.owed == 0
