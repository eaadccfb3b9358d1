"""The log of a batch as workers make it: opened, queued in pace, finished a little out of order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from streamapp import progress
from streamapp.archive import RUN_PHOTOS
from streamapp.events import (
    BatchLogEvent,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
)
from streamapp.stream.load import PIECE_PHOTOS

RUNS_IN_FLIGHT = 24
"""As the default window of 768 photos has."""

PIECE_RUNS = PIECE_PHOTOS // RUN_PHOTOS


def batch_log(batch: str, *, photos: int, failed: float, seed: int = 6) -> Iterator[BatchLogEvent]:
    """The events of a batch of which the share ``failed`` of the photos fail, anywhere."""
    chance = random.Random(seed)  # noqa: S311 - a recipe, not a secret
    yield BatchOpened(
        batch=batch,
        project="bench",
        priority=5,
        archive=f"archives/{batch}.zip",
        archive_bytes=200_000 * photos,
        name="photos.zip",
        photos=photos,
        opened_at=1e9,
    )
    for number, run in enumerate(_out_of_order(range(0, photos, RUN_PHOTOS), chance)):
        if not number % PIECE_RUNS:
            queued = min(photos, (number + RUNS_IN_FLIGHT) * RUN_PHOTOS)
            yield ExpansionAdvanced(
                batch=batch,
                project="bench",
                first_index=0,
                cursor=Cursor(index=queued, entry_at=80 * queued),
            )
        indexes = range(run, min(run + RUN_PHOTOS, photos))
        outcomes = tuple(_outcome(index, fails=chance.random() < failed) for index in indexes)
        yield PhotosFinished(batch=batch, project="bench", outcomes=outcomes)


def bytes_of_all_rows(log: Iterable[BatchLogEvent]) -> int:
    """What the rows take when one is written for each event."""
    state, total = None, 0
    for event in log:
        state = progress.fold(state, event)
        total += len(progress.encode(state))
    return total


def _out_of_order(runs: Iterable[int], chance: random.Random) -> Iterator[int]:
    in_flight: list[int] = []
    for run in runs:
        in_flight.append(run)
        if len(in_flight) == RUNS_IN_FLIGHT:
            yield in_flight.pop(chance.randrange(RUNS_IN_FLIGHT))
    yield from in_flight


def _outcome(index: int, *, fails: bool) -> Outcome:
    return Outcome(
        index=index,
        name=f"{index:07d}.jpg",
        state="failed" if fails else "completed",
        code="image_undecodable" if fails else None,
        finished_at=1e9 + index,
    )
