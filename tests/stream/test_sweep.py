"""The crops that an ended run replaced go, and no others, however often it is begun anew."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, cast

import pytest
from pyroaring import BitMap

from connectors.objects.folder import FolderStore
from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.events import (
    BatchCancelled,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    RunPart,
    RunStarted,
    RunSwept,
)
from streamapp.keys import crop_key, crop_place
from streamapp.stream import patience, sweep
from streamapp.stream.circuit import Circuits
from streamapp.stream.sweep import Sweeper, sweep_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path

    from connectors.objects.interface import Stored
    from streamapp.events import BatchLogEvent
    from streamapp.progress import Progress
    from streamapp.stream.outlet import Outlet

PHOTOS = 40


def opening() -> BatchOpened:
    return BatchOpened(
        batch="b1",
        project="p",
        priority=5,
        archive="a",
        archive_bytes=1,
        name="n",
        photos=PHOTOS,
        opened_at=1.0,
    )


def starting(run: int, photos: Iterable[int]) -> RunStarted:
    return RunStarted(
        batch="b1",
        project="p",
        run=run,
        started_at=1.0,
        priority=5,
        photos=BitMap(photos).serialize(),
        parts=(RunPart(first_index=0, archive="a", archive_bytes=1, photos=PHOTOS),),
    )


def done(
    run: int, photos: Iterable[int], state: Literal["completed", "cancelled"] = "completed"
) -> PhotosFinished:
    outcomes = tuple(
        Outcome(index=index, name="", state=state, finished_at=2.0) for index in photos
    )
    return PhotosFinished(batch="b1", project="p", run=run, outcomes=outcomes)


class Store(FolderStore):
    """A folder that is away for the first calls or after some, and remembers what was deleted."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.prepare()
        self.absences = 0
        self.deletes_max = 1_000_000
        self.deleted: list[str] = []

    def listing(self, prefix: str, after: str = "") -> Iterator[Stored]:
        self._answer()
        return super().listing(prefix, after)

    def delete(self, key: str) -> None:
        self._answer()
        if len(self.deleted) >= self.deletes_max:
            raise StreamappError(Code.STORE_AWAY)
        self.deleted.append(key)
        super().delete(key)

    def _answer(self) -> None:
        if self.absences:
            self.absences -= 1
            raise StreamappError(Code.STORE_AWAY)

    def crop(self, run: int, photos: Iterable[int], faces: int = 1) -> set[str]:
        keys = {crop_key("b1", index, n, run=run) for index in photos for n in range(faces)}
        for key in keys:
            self.put(key, b"jpeg", "image/jpeg")
        return keys

    def crops(self) -> set[str]:
        return set(self.keys("crops/b1/"))


class Bench:
    """A store, the log of a batch, and workers that sweep it, one after the other."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.swept: list[RunSwept] = []
        self.state: Progress | None = None
        self.answers = True
        self._sweeper: Sweeper | None = None

    async def tell(self, event: BatchLogEvent) -> None:
        """The log's end of the outlet, and the fold."""
        self.state = progress.fold(self.state, event)
        if isinstance(event, RunSwept):
            self.swept.append(event)
        if self._sweeper:
            self._sweeper.put(0, self.state)

    async def first_and_second(self) -> None:
        """Two runs have ended, of which the second did half of the photos again."""
        await self.tell(opening())
        await self.tell(done(1, range(PHOTOS)))
        await self.tell(starting(2, range(0, PHOTOS, 2)))
        await self.tell(done(2, range(0, PHOTOS, 2)))

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Sweeper]:
        circuits = Circuits.closed(time.time)
        outlet = cast("Outlet", self)
        self._sweeper = Sweeper(outlet, self.store, circuits, lambda _: self.answers, quiet_s=0.2)
        if self.state:
            self._sweeper.put(0, self.state)
        task = asyncio.create_task(self._sweeper.run())
        try:
            yield self._sweeper
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not reached():
                await asyncio.sleep(0.005)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(sweep, "PAGE_CROPS", 7)
    monkeypatch.setattr(sweep, "DOUBT_S", 0.01)
    return Bench(tmp_path)


async def test_the_crops_of_earlier_runs_go_with_all_faces_and_the_log_is_told(
    bench: Bench,
) -> None:
    bench.store.crop(1, range(PHOTOS), faces=3)
    mine = bench.store.crop(2, range(0, PHOTOS, 2))
    others = bench.store.crop(1, range(1, PHOTOS, 2), faces=3)
    await bench.first_and_second()
    async with bench.worker():
        await bench.until(lambda: bool(bench.swept))
    assert bench.store.crops() == mine | others
    assert bench.state
    assert progress.is_settled(bench.state)
    assert [told.run for told in bench.swept] == [2]


async def test_a_run_that_is_under_way_or_swept_is_left_alone(bench: Bench) -> None:
    await bench.tell(opening())
    await bench.tell(done(1, range(PHOTOS)))
    await bench.tell(starting(2, range(PHOTOS)))
    await bench.tell(done(2, range(PHOTOS - 1)))
    crops = bench.store.crop(1, range(PHOTOS))
    async with bench.worker():
        await asyncio.sleep(0.05)
        assert bench.store.crops() == crops
        await bench.tell(done(2, [PHOTOS - 1]))
        await bench.until(lambda: bool(bench.swept))
    assert bench.store.crops() == set()
    late = bench.store.crop(1, [0])
    async with bench.worker():
        await asyncio.sleep(0.05)
    assert bench.store.crops() == late


async def test_a_store_that_is_away_makes_it_wait(bench: Bench) -> None:
    bench.store.crop(1, range(PHOTOS))
    await bench.first_and_second()
    bench.store.absences = 8
    async with bench.worker():
        await bench.until(lambda: bool(bench.swept))
    assert bench.store.absences == 0
    assert len(bench.store.crops()) == PHOTOS // 2


async def test_killed_in_the_middle_the_successor_ends_it(bench: Bench) -> None:
    bench.store.crop(1, range(PHOTOS))
    await bench.first_and_second()
    bench.store.deletes_max = 5
    async with bench.worker():
        await bench.until(lambda: len(bench.store.deleted) == bench.store.deletes_max)
    assert not bench.swept
    bench.store.deletes_max = PHOTOS
    async with bench.worker():
        await bench.until(lambda: bool(bench.swept))
    assert len(bench.store.crops()) == PHOTOS // 2


async def test_nothing_is_swept_while_the_log_is_not_folded_to_its_end(bench: Bench) -> None:
    bench.store.crop(1, range(PHOTOS))
    await bench.first_and_second()
    bench.answers = False
    async with bench.worker():
        await asyncio.sleep(0.05)
        assert not bench.store.deleted
        bench.answers = True
        await bench.until(lambda: bool(bench.swept))


async def test_what_was_taken_away_is_not_swept_here(bench: Bench) -> None:
    bench.store.crop(1, range(PHOTOS))
    await bench.first_and_second()
    bench.answers = False
    async with bench.worker() as sweeper:
        sweeper.clear()
        bench.answers = True
        await asyncio.sleep(0.05)
    assert not bench.store.deleted


async def test_one_that_is_finished_late_in_a_cancelled_run_is_swept_again(bench: Bench) -> None:
    await bench.tell(opening())
    await bench.tell(done(1, range(PHOTOS)))
    bench.store.crop(1, range(PHOTOS))
    await bench.tell(starting(2, range(PHOTOS)))
    cursor = Cursor(index=10)
    await bench.tell(
        ExpansionAdvanced(batch="b1", project="p", first_index=0, cursor=cursor, run=2)
    )
    await bench.tell(BatchCancelled(batch="b1", project="p", cancelled_at=3.0, run=2))
    await bench.tell(done(2, range(9)))
    await bench.tell(starting(3, range(PHOTOS)))
    await bench.tell(done(3, range(PHOTOS)))
    kept = bench.store.crop(3, range(PHOTOS))
    async with bench.worker():
        await bench.until(lambda: {told.run for told in bench.swept} == {2, 3})
        assert bench.store.crops() == kept
        bench.swept.clear()
        bench.store.crop(2, [9])
        await bench.tell(done(2, [9]))
        await bench.until(lambda: {told.run for told in bench.swept} == {2, 3})
    assert bench.store.crops() == kept


async def test_what_a_cancelled_run_put_and_passed_over_later_is_swept(bench: Bench) -> None:
    await bench.tell(opening())
    kept = bench.store.crop(1, range(10))
    await bench.tell(done(1, range(10)))
    bench.store.crop(1, range(10, 20))  # by a worker that died before it told of them
    cursor = Cursor(index=20)
    await bench.tell(ExpansionAdvanced(batch="b1", project="p", first_index=0, cursor=cursor))
    async with bench.worker():
        await bench.tell(BatchCancelled(batch="b1", project="p", cancelled_at=3.0))
        await bench.tell(done(1, range(10, 20), state="cancelled"))
        await bench.until(lambda: bool(bench.swept))
    assert bench.store.crops() == kept
    assert bench.state
    assert progress.is_settled(bench.state)


async def test_one_that_is_told_a_moment_after_it_was_passed_over_keeps_its_crop(
    bench: Bench,
) -> None:
    await bench.tell(opening())
    kept = bench.store.crop(1, range(10))
    cursor = Cursor(index=20)
    await bench.tell(ExpansionAdvanced(batch="b1", project="p", first_index=0, cursor=cursor))
    async with bench.worker():
        await bench.tell(BatchCancelled(batch="b1", project="p", cancelled_at=3.0))
        await bench.tell(done(1, range(20), state="cancelled"))
        await asyncio.sleep(0.05)
        await bench.tell(done(1, range(10)))
        await bench.until(lambda: bool(bench.swept))
    assert bench.store.crops() == kept


FOREIGN = [
    "00000003 copy.jpg",
    "00000003-a.jpg",
    "00000003.2.3.jpg",
    "00000003",
    "Thumbs.db",
    "aside/00000003.jpg",
    "3.jpg",
    *(f"notes {n}.txt" for n in range(8)),
]


async def test_what_somebody_put_among_the_crops_stays_and_holds_up_nothing(bench: Bench) -> None:
    """Each worker in turn would end at it, for ever."""
    foreign = {f"crops/b1/{name}" for name in FOREIGN}
    for key in foreign:
        bench.store.put(key, b"mine", "image/jpeg")
    bench.store.crop(1, range(PHOTOS))
    kept = bench.store.crop(1, range(1, PHOTOS, 2))
    await bench.first_and_second()
    async with bench.worker():
        await bench.until(lambda: bool(bench.swept))
    assert bench.store.crops() == kept | foreign


def test_of_a_few_photos_among_many_only_their_neighbourhood_is_listed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keys = store.crop(1, range(1500))
    over = {1: BitMap([3, 1400])}
    pages, after = 0, sweep_page(store, "b1", over, "")
    while after is not None:
        pages, after = pages + 1, sweep_page(store, "b1", over, after)
    assert store.crops() == keys - {crop_key("b1", 3), crop_key("b1", 1400)}
    assert pages <= 2


@pytest.mark.parametrize("run", [1, 2, 64])
@pytest.mark.parametrize("face", [0, 1, 19])
@pytest.mark.parametrize("suffix", ["jpg", "webp", "jp2"])
def test_the_place_of_a_crop_is_read_back_from_its_key(run: int, face: int, suffix: str) -> None:
    assert crop_place(crop_key("b1", 12_345_678, face, suffix, run=run)) == (12_345_678, run)
