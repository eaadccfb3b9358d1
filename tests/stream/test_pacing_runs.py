"""A later run of a batch: its photos alone are queued, from its own checkpoint, at its own rate."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from pyroaring import BitMap

from streamapp import progress
from streamapp.archive import listing_line
from streamapp.errors import Code, StreamappError
from streamapp.events import (
    BatchCancelled,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    RunPart,
    RunStarted,
)
from streamapp.stream.load import PIECE_PHOTOS
from tests.stream.test_pacing import Bench, names, zipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamapp.events import Kind
    from streamapp.progress import Run

MANY = 3000


class Runs(Bench):
    """A batch ``b1`` whose first run has ended; what is queued from then on is of the second."""

    async def end_the_first(self, content: bytes, photos: int, kind: Kind = "zip") -> None:
        await self.open(content, photos, kind=kind)
        outcomes = tuple(
            Outcome(index=index, name="", state="completed", finished_at=1.0)
            for index in range(photos)
        )
        await self.log.tell(PhotosFinished(batch="b1", project="p", outcomes=outcomes))

    async def start(
        self,
        photos: Iterable[int],
        *,
        priority: int = 9,
        rate: float = 0.0,
        duplicates: Iterable[int] = (),
    ) -> None:
        [part] = self.log.states["b1"].parts
        await self.log.tell(
            RunStarted(
                batch="b1",
                project="p",
                run=2,
                started_at=2.0,
                priority=priority,
                photos=BitMap(photos).serialize(),
                parts=(
                    RunPart(
                        first_index=0,
                        archive=part.archive,
                        archive_bytes=part.archive_bytes,
                        kind=part.kind,
                        photos=part.photos or 0,
                        duplicates=BitMap(duplicates).serialize(),
                    ),
                ),
                settings=(("FACES", "all"),),
                rate=rate,
            )
        )

    async def checkpoint_the_second(self) -> None:
        """Return when all photos of the second run are queued, or failed, and the log has it."""
        async with asyncio.timeout(20):
            while not self.second.parts[0].is_queued:
                await asyncio.sleep(0)

    async def end_the_second(self) -> None:
        async with asyncio.timeout(20):
            while not progress.has_ended(self.log.states["b1"], self.second):
                await self.log.finish()
                await asyncio.sleep(0)

    @property
    def second(self) -> Run:
        return self.log.states["b1"].runs[0]


@pytest.fixture
async def bench() -> Runs:
    bench = Runs()
    await bench.end_the_first(zipped(names(MANY)), MANY)
    return bench


async def test_a_batch_that_has_ended_is_queued_wholly_again_as_the_run_says(bench: Runs) -> None:
    await bench.start(range(MANY))
    async with bench.worker():
        await bench.end_the_second()
    assert bench.log.times_queued() == dict.fromkeys(range(MANY), 1)
    assert {(lane, photo.run, photo.settings) for lane, photo, _ in bench.log.queued} == {
        ("low", 2, (("FACES", "all"),))
    }
    advanced = [each for each in bench.log.events if isinstance(each, ExpansionAdvanced)]
    assert {each.run for each in advanced} == {2}
    assert not any(each.names for each in advanced)
    assert progress.status(bench.log.states["b1"]).status == "completed"


@pytest.mark.parametrize("photos", [[0], [MANY - 1], [7, 8, 2000], range(0, MANY, 2)])
async def test_only_the_photos_that_the_run_does_are_queued(
    bench: Runs, photos: Iterable[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamapp.stream.pieces.LOOK_PHOTOS_MAX", 100)
    await bench.start(photos)
    async with bench.worker():
        await bench.end_the_second()
        await bench.checkpoint_the_second()
    assert bench.log.times_queued() == dict.fromkeys(photos, 1)
    found = {photo.index: photo.name for _, photo, _ in bench.log.queued}
    assert found == {index: f"{index:05d}.jpg" for index in photos}


async def test_what_lies_behind_the_last_photo_of_the_run_is_not_read(
    bench: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamapp.archive.directory.PIECE_BYTES", 30_000)
    await bench.start([0, 1])
    async with bench.worker():
        await bench.end_the_second()
        await bench.checkpoint_the_second()
    assert bench.store.bytes_read < len(bench.store.contents["archives/b1-0.zip"]) // 2
    assert sum(isinstance(each, ExpansionAdvanced) for each in bench.log.events) == 1


@pytest.mark.parametrize("step", ["PhotoQueued", "ExpansionAdvanced"])
async def test_a_kill_in_a_later_run_repeats_a_piece_at_most(bench: Runs, step: str) -> None:
    photos = range(0, MANY, 2)
    await bench.start(photos)
    async with bench.worker():
        while bench.second.processed < 500:
            await bench.log.finish()
            await asyncio.sleep(0)
        bench.log.deaths.add(step)
        await asyncio.sleep(0.05)
    bench.log.restart()
    async with bench.worker():
        await bench.end_the_second()
    times = bench.log.times_queued()
    assert set(times) == set(photos), "nothing is missing"
    assert times.total() - len(photos) <= PIECE_PHOTOS


async def test_of_a_listing_the_same_photos_are_queued_again() -> None:
    bench = Runs()
    lines = b"".join(listing_line(f"photos/{n}.jpg", 10) for n in range(300))
    await bench.end_the_first(lines, 300, kind="listing")
    await bench.start([3, 299])
    async with bench.worker():
        await bench.end_the_second()
    queued = {photo.index: photo.archive for _, photo, _ in bench.log.queued}
    assert queued == {3: "photos/3.jpg", 299: "photos/299.jpg"}


async def test_a_faulty_entry_fails_in_the_run_that_does_it() -> None:
    bench = Runs()
    content = zipped(["../up.jpg", *names(9), "../beside.jpg"])
    await bench.end_the_first(content, 11)
    await bench.start([0, 1, 2], duplicates=[2])
    async with bench.worker():
        await bench.end_the_second()
    assert bench.log.codes() == {0: "entry_path", 2: "entry_duplicate"}
    assert bench.log.times_queued() == {1: 1}
    failed = progress.failed(bench.log.states["b1"])
    assert set(failed) == {0, 2}


async def test_of_a_part_that_cannot_be_listed_any_more_only_what_the_run_does_fails(
    bench: Runs,
) -> None:
    photos = range(100, 2000, 3)
    await bench.start(photos)
    bench.store.fault = lambda _: StreamappError(Code.ARCHIVE_BROKEN)
    async with bench.worker():
        await bench.checkpoint_the_second()
    assert progress.has_ended(bench.log.states["b1"], bench.second)
    assert bench.log.codes() == dict.fromkeys(photos, "archive_broken")
    advanced = [each for each in bench.log.events if isinstance(each, ExpansionAdvanced)]
    assert [each.cursor.index for each in advanced] == [MANY]


async def test_a_later_run_that_is_cancelled_is_left_alone(bench: Runs) -> None:
    await bench.start(range(MANY))
    async with bench.worker():
        await bench.log.settle()
        before = len(bench.log.queued)
        await bench.log.tell(BatchCancelled(batch="b1", project="p", cancelled_at=3.0, run=2))
        await bench.end_the_second()
        await asyncio.sleep(0.05)
    assert len(bench.log.queued) == before < MANY
    assert progress.status(bench.log.states["b1"]).status == "completed", "as it was before"


async def test_a_run_at_a_rate_is_no_faster_and_ends(bench: Runs) -> None:
    await bench.start(range(90), rate=60)
    began = time.monotonic()
    async with bench.worker():
        await bench.end_the_second()
    assert time.monotonic() - began >= 1.0, "the second piece waits for the first one's second"
    assert bench.log.times_queued() == dict.fromkeys(range(90), 1)


async def test_beside_a_slow_run_the_others_go_on(bench: Runs) -> None:
    await bench.start(range(MANY), rate=0.1)
    await bench.open(zipped(names(100)), 100, batch="b2", priority=9)
    async with bench.worker():
        await bench.log.finish_all("b2")
    assert bench.log.times_queued("b1").total() <= 2
