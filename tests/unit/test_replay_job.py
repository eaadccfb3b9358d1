"""The job of ``streamapp replay`` over batches that may and may not be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from connectors.objects.folder import FolderStore
from streamapp.archive import Limits
from streamapp.errors import Code, StreamappError
from streamapp.events import Outcome, PhotosFinished, RunStarted, encode
from streamapp.keys import manifest_key
from streamapp.meter import Meter
from streamapp.replay import Candidates, Project, Starts, These
from streamapp.replay_batches import patience
from streamapp.replay_batches.job import Job, Order
from streamapp.wiring.replay import Replay
from tests.unit.test_replay_starts import FIRST, NOW, Workers, opened

if TYPE_CHECKING:
    from pathlib import Path

    from streamapp.progress import Progress
    from streamapp.replay import Choice
    from streamapp.replay_batches.lines import Told

ENDED, OPEN, GONE = "a" * 32, "b" * 32, "c" * 32
SECOND = "d" * 32
UNKNOWN = "0" * 32


class Owners(Workers):
    """Owners that are away for the first ``absences`` questions, and do at once what is begun."""

    absences = 0

    async def row(self, batch: str) -> Progress | None:
        if self.absences:
            self.absences -= 1
            raise StreamappError(Code.PROGRESS_AWAY)
        return await super().row(batch)

    async def publish(self, event: RunStarted) -> None:
        await super().publish(event)
        self.tell(event, done(event.batch, event.run))


def done(batch: str, run: int = 1) -> PhotosFinished:
    outcomes = tuple(
        Outcome(index=index, name="", state="failed" if index == 2 else "completed", finished_at=3)
        for index in range(FIRST.photos)
    )
    return PhotosFinished(batch=batch, project="p", run=run, outcomes=outcomes)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Owners:
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    return Owners()


@pytest.fixture
def replay(tmp_path: Path, workers: Owners) -> Replay:
    """Two batches that have ended, one that has not, and one without its archive."""
    store = FolderStore(tmp_path)
    store.prepare()
    for batch in (ENDED, OPEN, GONE, SECOND):
        part = structs.replace(FIRST, batch=batch, archive=f"archives/{batch}.zip")
        store.put(manifest_key(batch), encode(part), "application/json")
        workers.tell(opened(part))
        if batch != OPEN:
            workers.tell(done(batch))
        if batch != GONE:
            store.put(part.archive, b"zip!", "application/zip")
    return Replay(
        objects=store,
        table=workers,
        log=workers,
        candidates=Candidates(store, workers, Limits()),
        starts=Starts(store, workers, lambda: NOW),
    )


class Run:
    """A job that was worked off: whether all was well, and what it told."""

    def __init__(self, replay: Replay) -> None:
        self.told: list[Told] = []
        self.complaints: list[tuple[str, Code]] = []
        self.passed_over: list[str] = []
        self._job = Job(replay, Meter(), self.told.append, self._complain, self.passed_over.append)

    async def of(self, choice: Choice, order: Order) -> bool:
        return await self._job.work_off(choice, order)

    def _complain(self, batch: str, error: StreamappError) -> None:
        self.complaints.append((batch, error.code))


async def test_of_named_batches_each_that_is_refused_is_told_and_the_others_go_on(
    replay: Replay, workers: Owners
) -> None:
    run = Run(replay)
    assert not await run.of(These((OPEN, UNKNOWN, "..", GONE, ENDED)), Order())
    assert run.complaints == [
        (OPEN, Code.BATCH_OPEN),
        (UNKNOWN, Code.BATCH_UNKNOWN),
        ("..", Code.BATCH_UNKNOWN),
        (GONE, Code.OBJECT_MISSING),
    ]
    assert [(told.batch, told.photos, told.failed, told.run) for told in run.told] == [
        (ENDED, 6, 1, 2)
    ]
    assert [event.batch for event in workers.published] == [ENDED]


async def test_of_batches_that_were_found_one_that_is_open_is_passed_over(replay: Replay) -> None:
    replay.objects.delete(manifest_key(GONE))
    run = Run(replay)
    assert await run.of(Project("p"), Order())
    assert (run.complaints, run.passed_over) == ([], [OPEN])
    assert [told.batch for told in run.told] == [ENDED, SECOND]


async def test_one_that_is_open_is_refused_when_it_is_named(replay: Replay) -> None:
    assert not await Run(replay).of(These((OPEN, ENDED)), Order())


async def test_one_that_lost_its_archive_is_not_passed_over(replay: Replay) -> None:
    assert not await Run(replay).of(Project("p"), Order())


async def test_the_rate_is_split_over_those_that_begin_and_those_under_way(
    replay: Replay, workers: Owners
) -> None:
    """An open one may be of the same replay, which was cut off before."""
    await Run(replay).of(Project("p"), Order(rate=30.0, priority=1))
    assert [(event.rate, event.priority) for event in workers.published] == [(10.0, 1)] * 2


async def test_a_dry_run_begins_nothing(replay: Replay, workers: Owners) -> None:
    run = Run(replay)
    assert await run.of(These((ENDED,)), Order(dry=True, wait=True, only_failed=True))
    assert [(told.photos, told.failed, told.run) for told in run.told] == [(1, 1, 0)]
    assert workers.published == []


async def test_whoever_waits_is_told_how_the_run_ended(replay: Replay) -> None:
    run = Run(replay)
    assert await run.of(These((ENDED,)), Order(wait=True, only_failed=True))
    [told] = run.told
    assert told.ended is not None
    assert (told.ended.status, told.ended.run) == ("completed", 2)


async def test_owners_that_are_away_for_a_moment_are_waited_for(
    replay: Replay, workers: Owners
) -> None:
    workers.absences = 3
    assert await Run(replay).of(These((ENDED,)), Order())
    assert len(workers.published) == 1


async def test_owners_that_stay_away_end_the_job(
    replay: Replay, workers: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", 0.05)
    workers.absences = 1_000_000
    with pytest.raises(StreamappError) as refusal:
        await Run(replay).of(These((ENDED, SECOND)), Order())
    assert refusal.value.code is Code.PROGRESS_AWAY
