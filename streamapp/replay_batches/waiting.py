"""Waiting for the end of a run, which goes on whether anybody waits or not."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from streamapp import progress
from streamapp.replay_batches.patience import patiently

if TYPE_CHECKING:
    from streamapp.meter import Meter
    from streamapp.progress import RunStatus, Status
    from streamapp.replay import ProgressTable
    from streamapp.replay_batches.lines import Told

POLL_S = 0.5


async def end_of(told: Told, table: ProgressTable, meter: Meter) -> Status:
    """The batch's status once the run has ended."""
    with meter.bar(f"Run {told.run} of {told.batch}", told.photos) as bar:
        while True:
            state = await patiently(partial(table.row, told.batch), bar.note)
            bar.note("")
            status = progress.status(state) if state else None
            if status and status.run >= told.run:
                run = run_of(status, told.run)
                bar.show(run.processed, run.photos)
                if run.status in progress.ENDED:
                    return status
            await asyncio.sleep(POLL_S)


def run_of(status: Status, number: int) -> RunStatus:
    """What is told of the run of this number, which was started."""
    return next(run for run in status.runs if run.run == number)
