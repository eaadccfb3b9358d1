"""The photos of a batch reach the topics in pace, none is missing, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import warnings
import zipfile
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest
from msgspec import structs
from pyroaring import BitMap

from streamapp import progress
from streamapp.archive import RUN_PHOTOS, Limits, listing_line
from streamapp.errors import Code, StreamappError
from streamapp.events import (
    QUEUED_NAME_CHARACTERS_MAX,
    WHOLE_OBJECT,
    BatchCancelled,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotoQueued,
    PhotosFinished,
    PriorityChanged,
    encode,
)
from streamapp.progress import Part, Progress
from streamapp.stream import patience
from streamapp.stream.expanding import Expanding
from streamapp.stream.load import PIECE_PHOTOS, Turn
from streamapp.stream.outlet import EVENT_BYTES_MAX, Outlet
from streamapp.stream.pacer import Pacer
from streamapp.stream.pieces import READERS_MAX, Pieces
from streamapp.stream.publication import Publication
from streamapp.stream.turns import Turns
from streamapp.topics import Lane, Topics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from connectors.objects.interface import ObjectStore
    from streamapp.events import BatchLogEvent, Kind

TOPICS = Topics(partitions=12)
WINDOW = 768


class KilledError(Exception):
    """What a worker that is killed does next: nothing."""


class Log:
    """The topics, which outlive a worker; and the outlet, the fold and the photos' end."""

    def __init__(self) -> None:
        self.events: list[BatchLogEvent] = []
        self.queued: list[tuple[Lane, PhotoQueued, int]] = []
        self.states: dict[str, Progress] = {}
        self.turns = Turns(window_photos=WINDOW, clock=time.monotonic)
        self.lag_max = 0
        self.deaths: set[str] = set()
        self._finished = 0

    async def tell(self, event: BatchLogEvent) -> None:
        await asyncio.sleep(0)
        self._die_before(type(event).__name__)
        self.events.append(event)
        self.states[event.batch] = progress.fold(self.states.get(event.batch), event)
        self.turns.put(0, self.states[event.batch])

    async def queue(self, lane: Lane, photos: Iterable[tuple[PhotoQueued, int]]) -> None:
        await asyncio.sleep(0)
        self._die_before("PhotoQueued")
        self.queued += [(lane, photo, partition) for photo, partition in photos]
        self.lag_max = max(self.lag_max, len(self.queued) - self._finished)

    def _die_before(self, step: str) -> None:
        if step in self.deaths:
            raise KilledError

    async def finish(self, photos: int = RUN_PHOTOS) -> None:
        """Photos that wait in the topics are finished, the first ones first."""
        run = [photo for _, photo, _ in self.queued[self._finished :][:photos]]
        self._finished += len(run)
        for batch, number in {(photo.batch, photo.run) for photo in run}:
            outcomes = tuple(
                Outcome(index=photo.index, name="", state="completed", finished_at=1.0)
                for photo in run
                if (photo.batch, photo.run) == (batch, number)
            )
            await self.tell(PhotosFinished(batch=batch, project="p", outcomes=outcomes, run=number))

    async def finish_all(self, *batches: str) -> None:
        """Finish photos until the batches are complete."""
        async with asyncio.timeout(20):
            while not all(progress.is_complete(self.states[batch]) for batch in batches):
                await self.finish()
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Return when the pacer has nothing to do any more."""
        async with asyncio.timeout(20):
            while self.turns.changed.is_set() or self.turns.next(lambda _: True):
                await asyncio.sleep(0.01)

    async def failures(self, photos: int) -> None:
        """Return when so many photos have failed."""
        async with asyncio.timeout(20):
            while len(self.codes()) < photos:
                await asyncio.sleep(0)

    def restart(self) -> None:
        """What a takeover makes of the log."""
        self.deaths.clear()
        self.turns = Turns(window_photos=WINDOW, clock=time.monotonic)
        for state in self.states.values():
            self.turns.put(0, state)

    def times_queued(self, batch: str = "b1") -> Counter[int]:
        return Counter(photo.index for _, photo, _ in self.queued if photo.batch == batch)

    def codes(self) -> dict[int, str | None]:
        frames = [event for event in self.events if isinstance(event, PhotosFinished)]
        return {o.index: o.code for frame in frames for o in frame.outcomes if o.code}


class Archives:
    """A store; ``fault`` is asked before each read."""

    def __init__(self, fault: Callable[[int], Exception | None] = lambda _: None) -> None:
        self.contents: dict[str, bytes] = {}
        self.reads = 0
        self.bytes_read = 0
        self.asked_for = ""
        self.fault = fault

    def read(self, key: str, start: int, length: int) -> bytes:
        self.reads += 1
        self.asked_for = key
        if error := self.fault(self.reads):
            raise error
        content = self.contents[key][start : start + length]
        self.bytes_read += len(content)
        return content


def zipped(names: Iterable[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name in names:
            opened.writestr(name, b"pixels")
    return buffer.getvalue()


def names(photos: int) -> list[str]:
    return [f"{n:05d}.jpg" for n in range(photos)]


class Bench:
    """A log, a store, and workers over them, one after the other."""

    def __init__(self) -> None:
        self.log = Log()
        self.store = Archives()

    async def open(
        self,
        content: bytes,
        photos: int,
        *,
        batch: str = "b1",
        priority: int = 5,
        first_index: int = 0,
        kind: Kind = "zip",
        duplicates: bytes = b"",
    ) -> None:
        key = f"archives/{batch}-{first_index}.{kind}"
        self.store.contents[key] = content
        await self.log.tell(
            BatchOpened(
                batch=batch,
                project="p",
                priority=priority,
                archive=key,
                archive_bytes=len(content),
                name="photos.zip",
                first_index=first_index,
                photos=photos,
                kind=kind,
                duplicates=duplicates,
                opened_at=1.0,
            )
        )

    @asynccontextmanager
    async def worker(
        self, answers_for: Callable[[int], bool] = lambda _: True
    ) -> AsyncIterator[None]:
        publication = Publication(cast("Outlet", self.log), topics=TOPICS, clock=lambda: 1.0)
        pacer = Pacer(
            publication,
            pieces=Pieces(cast("ObjectStore", self.store), Limits()),
            turns=self.log.turns,
            answers_for=answers_for,
        )
        task = asyncio.create_task(pacer.run())
        try:
            yield
        finally:
            task.cancel()
            ended = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(ended[0], (asyncio.CancelledError, KilledError)), ended

    async def expand(self, content: bytes, photos: int, *, priority: int = 5) -> None:
        """Open a batch and work it off."""
        await self.open(content, photos, priority=priority)
        async with self.worker():
            await self.log.finish_all("b1")


async def test_every_photo_is_queued_once_and_the_batch_ends() -> None:
    bench = Bench()
    await bench.expand(zipped([*names(3000), "__MACOSX/x.jpg"]), 3000)
    assert bench.log.times_queued() == dict.fromkeys(range(3000), 1)


async def test_no_more_than_the_window_is_ever_in_the_topics() -> None:
    bench = Bench()
    await bench.expand(zipped(names(20_000)), 20_000)
    assert bench.log.lag_max <= WINDOW


async def test_runs_of_neighbours_share_a_partition_and_take_turns() -> None:
    bench = Bench()
    await bench.expand(zipped(names(1200)), 1200)
    partitions = [partition for _, _, partition in bench.log.queued]
    runs = [partitions[start : start + RUN_PHOTOS] for start in range(0, 1200, RUN_PHOTOS)]
    assert all(len(set(run)) == 1 for run in runs)
    assert {run[0] for run in runs} == set(range(TOPICS.partitions))


async def test_a_hundred_photos_keep_four_children_of_two_workers_busy() -> None:
    bench = Bench()
    await bench.expand(zipped(names(100)), 100)
    runs = Counter(partition for _, _, partition in bench.log.queued)
    assert len(runs) == TOPICS.partitions
    assert max(runs.values()) <= 2 * min(runs.values())


async def test_a_part_that_joined_goes_on_counting_where_the_last_ended() -> None:
    bench = Bench()
    await bench.open(zipped(names(50)), 50)
    await bench.open(zipped(names(30)), 30, first_index=50)
    async with bench.worker():
        await bench.log.finish_all("b1")
    assert bench.log.times_queued() == dict.fromkeys(range(80), 1)
    archives = {photo.index: photo.archive for _, photo, _ in bench.log.queued}
    assert (archives[49], archives[50]) == ("archives/b1-0.zip", "archives/b1-50.zip")


async def test_a_part_may_be_a_listing_of_objects() -> None:
    bench = Bench()
    keys = [f"photos/{n}.jpg" for n in range(700)]
    await bench.open(b"".join(listing_line(key, 10) for key in keys), 700, kind="listing")
    async with bench.worker():
        await bench.log.finish_all("b1")
    queued = sorted((photo.index, photo.archive) for _, photo, _ in bench.log.queued)
    assert queued == list(enumerate(keys))
    assert {photo.method for _, photo, _ in bench.log.queued} == {WHOLE_OBJECT}


async def test_a_small_batch_ends_long_before_a_large_one_that_came_first() -> None:
    bench = Bench()
    await bench.open(zipped(names(5000)), 5000, batch="large")
    async with bench.worker():
        await bench.log.settle()
        await bench.open(zipped(names(100)), 100, batch="small")
        await bench.log.finish_all("small")
        assert bench.log.states["large"].processed <= WINDOW + PIECE_PHOTOS + RUN_PHOTOS
        await bench.log.finish_all("large")


@pytest.mark.parametrize("step", ["PhotoQueued", "ExpansionAdvanced"])
async def test_a_kill_at_any_step_repeats_a_piece_at_most(step: str) -> None:
    bench, content = Bench(), zipped(names(3000))
    await bench.open(content, 3000)
    async with bench.worker():
        while bench.log.states["b1"].queued < 1024:
            await bench.log.finish()
            await asyncio.sleep(0)
        bench.log.deaths.add(step)
        await asyncio.sleep(0.05)
    first_read = bench.store.bytes_read
    bench.log.restart()
    async with bench.worker():
        await bench.log.finish_all("b1")
    times = bench.log.times_queued()
    assert set(times) == set(range(3000)), "nothing is missing"
    assert times.total() - 3000 <= PIECE_PHOTOS
    second_read = bench.store.bytes_read - first_read
    assert second_read < first_read - 50 * PIECE_PHOTOS, "it began anew"


async def test_nothing_is_queued_while_the_log_is_not_folded_to_its_end() -> None:
    bench = Bench()
    answers = False
    await bench.open(zipped(names(100)), 100)
    async with bench.worker(lambda _: answers):
        await asyncio.sleep(0.1)
        assert not bench.log.queued
        answers = True
        await bench.log.finish_all("b1")


async def test_a_cancelled_batch_is_left_alone_at_once() -> None:
    bench = Bench()
    await bench.open(zipped(names(3000)), 3000)
    async with bench.worker():
        await bench.log.settle()
        before = len(bench.log.queued)
        await bench.log.tell(BatchCancelled(batch="b1", project="p", cancelled_at=2.0))
        for _ in range(50):
            await bench.log.finish()
            await asyncio.sleep(0.001)
        assert len(bench.log.queued) == before
    assert progress.is_settled(bench.log.states["b1"])


async def test_a_batch_that_is_cancelled_while_it_is_read_is_not_queued() -> None:
    bench, asked, answered = Bench(), threading.Event(), threading.Event()

    def hold(_read: int) -> None:
        asked.set()
        assert answered.wait(20)

    bench.store.fault = hold
    await bench.open(zipped(names(100)), 100)
    async with bench.worker(), asyncio.timeout(20):
        while not asked.is_set():
            await asyncio.sleep(0.01)
        await bench.log.tell(BatchCancelled(batch="b1", project="p", cancelled_at=2.0))
        answered.set()
        await bench.open(zipped(names(10)), 10, batch="next")
        await bench.log.finish_all("next")
    assert not bench.log.times_queued("b1")


def turn(batch: Progress, part: Part, photos: int) -> Turn:
    return Turn(Expanding(0, batch, batch), part, photos)


async def test_a_reader_that_stands_elsewhere_is_not_read_on() -> None:
    content = zipped(names(300))
    store = Archives()
    store.contents["a"] = content
    pieces = Pieces(cast("ObjectStore", store), Limits())
    part = Part(first_index=0, archive="a", archive_bytes=len(content), photos=300)
    batch = Progress(batch="b1", parts=(part,))
    first = pieces.read(turn(batch, part, 200))
    there = structs.replace(part, cursor=first.entries[99].after)
    again = pieces.read(turn(batch, there, 10))
    assert [entry.index for entry in again.entries] == list(range(100, 110))


async def test_two_batches_of_one_object_are_read_on_each_where_it_stands() -> None:
    store = Archives()
    store.contents["a"] = content = zipped(names(300))
    pieces = Pieces(cast("ObjectStore", store), Limits())
    part = Part(first_index=0, archive="a", archive_bytes=len(content), photos=300)
    one, other = Progress(batch="b1", parts=(part,)), Progress(batch="b2", parts=(part,))
    first = pieces.read(turn(one, part, 200))
    pieces.read(turn(other, part, 100))
    reads = store.reads
    again = pieces.read(turn(one, structs.replace(part, cursor=first.after), 10))
    assert [entry.index for entry in again.entries] == list(range(200, 210))
    assert store.reads == reads, "it was read anew"


async def test_the_duplicates_of_a_part_that_joined_fail() -> None:
    bench = Bench()
    repeated = ["a.jpg", "b.jpg", "a.jpg"]
    await bench.open(zipped(names(50)), 50)
    duplicates = BitMap([2]).serialize()
    with warnings.catch_warnings(action="ignore"):
        await bench.open(zipped(repeated), 3, first_index=50, duplicates=duplicates)
    async with bench.worker():
        await bench.log.finish_all("b1")
    assert bench.log.codes() == {52: "entry_duplicate"}


async def test_the_next_piece_goes_by_the_changed_priority() -> None:
    bench = Bench()
    await bench.open(zipped(names(3000)), 3000, priority=9)
    async with bench.worker():
        await bench.log.settle()
        before = len(bench.log.queued)
        change = PriorityChanged(batch="b1", project="p", priority=1, changed_at=2.0)
        await bench.log.tell(change)
        await bench.log.finish_all("b1")
    lanes = [lane for lane, _, _ in bench.log.queued]
    assert set(lanes[:before]) == {"low"}
    assert set(lanes[before:]) == {"high"}


async def test_faulty_entries_fail_in_frames_that_fit_an_event() -> None:
    bench = Bench()
    long = [f"{n:03d}" + "長" * 1100 for n in range(300)]
    await bench.expand(zipped([*long, "good.jpg"]), 301)
    frames = [event for event in bench.log.events if isinstance(event, PhotosFinished)]
    assert max(len(encode(frame)) for frame in frames) < EVENT_BYTES_MAX
    assert bench.log.codes() == dict.fromkeys(range(300), "entry_path")
    assert bench.log.times_queued() == {300: 1}


FAULTS = [
    (StreamappError(Code.OBJECT_MISSING), "object_missing"),
    (StreamappError(Code.ARCHIVE_BROKEN), "archive_broken"),
    (ZeroDivisionError(), "internal"),
]


@pytest.mark.parametrize(("error", "code"), FAULTS)
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_an_archive_that_cannot_be_read_on_fails_the_rest(
    at: int, error: Exception, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamapp.archive.directory.PIECE_BYTES", 30_000)
    bench = Bench()
    bench.store.fault = lambda read: error if read >= at else None
    await bench.expand(zipped(names(1200)), 1200)
    failed = bench.log.codes()
    assert set(failed.values()) == {code}
    assert set(failed) | set(bench.log.times_queued()) == set(range(1200))
    assert not set(failed) & set(bench.log.times_queued())
    if at == 3:
        assert bench.log.times_queued(), "what could be read is queued"


async def test_a_fault_that_passed_with_its_worker_fails_no_more_photos() -> None:
    bench = Bench()
    bench.store.fault = lambda _: ZeroDivisionError()
    await bench.open(zipped(names(1200)), 1200)
    async with bench.worker():
        await bench.log.failures(PIECE_PHOTOS)
        bench.log.deaths.add("PhotosFinished")
        await asyncio.sleep(0.05)
    bench.store.fault = lambda _: None
    bench.log.restart()
    async with bench.worker():
        await bench.log.finish_all("b1")
    assert progress.status(bench.log.states["b1"]).progress.failed == 0


async def test_the_batches_beside_a_broken_one_go_on() -> None:
    bench = Bench()
    await bench.open(b"", 600, batch="broken")
    await bench.open(zipped(names(100)), 100, batch="sound")
    async with bench.worker():
        await bench.log.finish_all("broken", "sound")
    assert bench.log.times_queued("sound") == dict.fromkeys(range(100), 1)
    assert progress.status(bench.log.states["broken"]).progress.failed == 600


@pytest.mark.parametrize("promised", [1199, 1200, 1201, 2000])
async def test_a_batch_has_as_many_photos_as_it_was_opened_with(promised: int) -> None:
    bench = Bench()
    await bench.expand(zipped(names(1200)), promised)
    assert set(bench.log.times_queued()) == set(range(min(promised, 1200)))
    assert bench.log.codes() == dict.fromkeys(range(1200, promised), "archive_broken")


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_an_outage_is_waited_out_where_it_came(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("streamapp.archive.directory.PIECE_BYTES", 30_000)
    bench = Bench()
    away = StreamappError(Code.STORE_AWAY)
    bench.store.fault = lambda read: away if at <= read < at + 3 else None
    await bench.expand(zipped(names(1200)), 1200)
    assert bench.log.times_queued() == dict.fromkeys(range(1200), 1)
    assert not bench.log.codes()


async def test_an_archive_that_nobody_may_read_holds_up_no_other_batch_and_no_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    bench = Bench()
    away = StreamappError(Code.STORE_AWAY)
    bench.store.fault = lambda _: None if bench.store.asked_for.startswith("archives/b2") else away
    await bench.open(zipped(names(100)), 100)
    async with bench.worker(), asyncio.timeout(20):
        while bench.store.reads < 3:
            await asyncio.sleep(0)
        await bench.open(zipped(names(100)), 100, batch="b2")
        await bench.log.finish_all("b2")
        await bench.log.tell(BatchCancelled(batch="b1", project="p", cancelled_at=2.0))
        await asyncio.sleep(0.05)
        reads = bench.store.reads
        await asyncio.sleep(0.1)
    assert bench.store.reads == reads
    assert not bench.log.times_queued("b1")


async def test_more_batches_than_are_held_open_are_read_in_turn() -> None:
    bench = Bench()
    batches = [f"b{n}" for n in range(READERS_MAX + 5)]
    for batch in batches:
        await bench.open(zipped(names(200)), 200, batch=batch)
    async with bench.worker():
        await bench.log.finish_all(*batches)
    for batch in batches:
        assert bench.log.times_queued(batch) == dict.fromkeys(range(200), 1)


async def test_the_last_checkpoint_says_that_all_is_queued() -> None:
    bench = Bench()
    await bench.open(b"not a zip", 700)
    async with bench.worker(), asyncio.timeout(20):
        while bench.log.states["b1"].queued < 700:
            await asyncio.sleep(0)
    advanced = [event for event in bench.log.events if isinstance(event, ExpansionAdvanced)]
    assert [event.cursor.index for event in advanced] == [700]
    assert progress.is_settled(bench.log.states["b1"])


async def test_the_checkpoints_name_each_photo_that_is_queued_and_none_that_is_faulty() -> None:
    bench = Bench()
    listed = [*names(697), "x" * 1000, *names(2)]
    duplicates = progress.serialized(BitMap([698, 699]))
    with warnings.catch_warnings(action="ignore"):
        content = zipped(listed)
    await bench.open(content, 700, first_index=50, duplicates=duplicates)
    await bench.open(zipped(names(50)), 50)
    async with bench.worker():
        await bench.log.finish_all("b1")
    advanced = [event for event in bench.log.events if isinstance(event, ExpansionAdvanced)]
    told = [pair for event in advanced for pair in event.names]
    assert Counter(index for index, _ in told) == bench.log.times_queued()
    assert dict(told)[50 + 697] == "x" * QUEUED_NAME_CHARACTERS_MAX
    assert dict(told)[50 + 696] == "00696.jpg"
    assert dict(told)[49] == "00049.jpg"


def test_the_names_of_a_piece_fit_one_event_whatever_they_are() -> None:
    names = tuple((1 << 30, "\1" * QUEUED_NAME_CHARACTERS_MAX) for _ in range(PIECE_PHOTOS))
    event = ExpansionAdvanced(
        batch="b1", project="p", first_index=0, cursor=Cursor(index=1), names=names
    )
    assert len(encode(event)) <= EVENT_BYTES_MAX
