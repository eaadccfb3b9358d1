"""Which batches may be replayed, and how exactly one run of each begins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from msgspec import structs
from pyroaring import BitMap

from connectors.objects.folder import FolderStore
from streamapp import archive, progress
from streamapp.archive import Limits
from streamapp.errors import Code, StreamappError
from streamapp.events import (
    ArchiveStored,
    BatchCancelled,
    BatchLogEvent,
    Outcome,
    PhotosFinished,
    RunStarted,
    decode_batch_log,
    encode,
    opening,
)
from streamapp.keys import manifest_key, run_key
from streamapp.progress import indexes_of, serialized
from streamapp.replay import Candidates, Starts, Wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from streamapp.progress import Progress
    from streamapp.replay import Candidate

NOW = 1_800_000_000.0
FIRST = ArchiveStored(
    batch="b1",
    project="p",
    priority=4,
    archive="archives/a.zip",
    archive_bytes=4,
    name="photos.zip",
    photos=6,
    duplicates=serialized(BitMap([1, 4])),
    stored_at=1.0,
)
SECOND = structs.replace(
    FIRST, archive="archives/b.zip", first_index=6, photos=3, duplicates=b"", nested=True
)


@dataclass
class Workers:
    """The owners of all batches, and the batch log behind them."""

    rows: dict[str, Progress] = field(default_factory=dict)
    published: list[RunStarted] = field(default_factory=list)
    fault: StreamappError | None = None

    def tell(self, *log: BatchLogEvent) -> None:
        for event in log:
            self.rows[event.batch] = progress.fold(self.rows.get(event.batch), event)

    async def row(self, batch: str) -> Progress | None:
        return self.rows.get(batch)

    async def publish(self, event: RunStarted) -> None:
        if self.fault:
            raise self.fault
        self.published.append(event)

    def batches_since(self, offset: int, partition: int | None) -> AsyncIterator[str]:
        raise AssertionError(offset, partition)


@pytest.fixture
def objects(tmp_path: Path) -> FolderStore:
    """A batch of two parts of 6 and 3 photos."""
    store = FolderStore(tmp_path)
    store.prepare()
    for number, part in enumerate((FIRST, SECOND)):
        store.put(part.archive, b"zip!", "application/zip")
        store.put(manifest_key("b1", number), encode(part), "application/json")
    return store


@pytest.fixture
def workers() -> Workers:
    """They have done the batch: 2, 3 and 7 failed."""
    workers = Workers()
    workers.tell(*map(opened, (FIRST, SECOND)), finished(range(9), failed={2, 3, 7}))
    return workers


def opened(part: ArchiveStored) -> BatchLogEvent:
    return opening(part, 2.0)


def finished(indexes: Iterable[int], failed: Iterable[int] = ()) -> PhotosFinished:
    outcomes = tuple(
        Outcome(
            index=index,
            name=f"{index}.jpg",
            state="failed" if index in set(failed) else "completed",
            finished_at=3.0,
        )
        for index in indexes
    )
    return PhotosFinished(batch="b1", project="p", outcomes=outcomes)


async def look(
    objects: FolderStore, workers: Workers, *, only_failed: bool = False, batch: str = "b1"
) -> Candidate:
    return await Candidates(objects, workers, Limits()).look(batch, only_failed=only_failed)


async def refused(objects: FolderStore, workers: Workers) -> StreamappError:
    with pytest.raises(StreamappError) as refusal:
        await look(objects, workers)
    return refusal.value


async def test_all_photos_of_all_parts_are_done_again(
    objects: FolderStore, workers: Workers
) -> None:
    found = await look(objects, workers)
    assert list(found.photos) == list(range(9))
    assert found.parts == (FIRST, SECOND)
    assert found.failed == 3


async def test_only_the_failed_are_and_only_their_parts_are_read(
    objects: FolderStore, workers: Workers
) -> None:
    workers.tell(finished([7]))
    objects.delete(SECOND.archive)
    found = await look(objects, workers, only_failed=True)
    assert list(found.photos) == [2, 3]
    assert found.parts == (FIRST,)


async def test_where_nothing_failed_there_is_nothing_to_do(
    objects: FolderStore, workers: Workers
) -> None:
    workers.tell(finished([2, 3, 7]))
    assert not (await look(objects, workers, only_failed=True)).photos


async def test_a_batch_without_a_manifest_is_unknown(
    objects: FolderStore, workers: Workers
) -> None:
    for batch in ("b2", "../b1", ""):
        with pytest.raises(StreamappError) as refusal:
            await look(objects, workers, batch=batch)
        assert refusal.value.code is Code.BATCH_UNKNOWN


@pytest.mark.parametrize(
    "log",
    [
        (),
        (opened(FIRST), finished(range(6))),  # its second part is on its way
        (opened(FIRST), opened(SECOND), finished(range(8))),
    ],
)
async def test_a_batch_that_has_not_ended_is_open(
    objects: FolderStore, log: tuple[BatchLogEvent, ...]
) -> None:
    workers = Workers()
    workers.tell(*log)
    assert (await refused(objects, workers)).code is Code.BATCH_OPEN


async def test_a_batch_that_was_cancelled_may_be_replayed(objects: FolderStore) -> None:
    workers = Workers()
    workers.tell(
        opened(FIRST), opened(SECOND), BatchCancelled(batch="b1", project="p", cancelled_at=3.0)
    )
    assert len((await look(objects, workers)).photos) == 9


@pytest.mark.parametrize("content", [None, b"another"])
async def test_an_archive_that_is_gone_or_another_is_not_read_again(
    objects: FolderStore, workers: Workers, content: bytes | None
) -> None:
    if content is None:
        objects.delete(SECOND.archive)
    else:
        objects.put(SECOND.archive, content, "application/zip")
    refusal = await refused(objects, workers)
    assert refusal.code is Code.OBJECT_MISSING
    assert SECOND.archive in refusal.detail


@pytest.fixture
def listing(objects: FolderStore) -> ArchiveStored:
    """The batch's second part, as a listing of three objects of which 7 is gone."""
    lines = b"".join(archive.listing_line(f"own/{number}.jpg", 4) for number in (6, 7, 8))
    part = structs.replace(
        SECOND, archive="archives/b.list", archive_bytes=len(lines), kind="listing"
    )
    objects.put(part.archive, lines, "application/jsonl")
    objects.put(manifest_key("b1", 1), encode(part), "application/json")
    for number in (6, 8):
        objects.put(f"own/{number}.jpg", b"jpeg", "image/jpeg")
    return part


@pytest.mark.usefixtures("listing")
async def test_of_a_listing_only_what_was_done_well_must_still_be_there(
    objects: FolderStore, workers: Workers
) -> None:
    assert len((await look(objects, workers)).photos) == 9
    objects.delete("own/8.jpg")
    refusal = await refused(objects, workers)
    assert (refusal.code, refusal.detail) == (Code.OBJECT_MISSING, "own/8.jpg")
    assert list((await look(objects, workers, only_failed=True)).photos) == [2, 3, 7]


async def test_a_run_begins_in_the_store_and_then_in_the_log(
    objects: FolderStore, workers: Workers
) -> None:
    candidate = await look(objects, workers)
    wish = Wish((("FACES", "all"),), priority=9, rate=2.5)
    begun = await Starts(objects, workers, lambda: NOW).begin(candidate, wish)
    assert begun.anew
    [run] = workers.published
    assert run == begun.run == decode_batch_log(objects.read(run_key("b1", 2), 0, 10_000))
    assert (run.run, run.priority, run.rate, run.started_at) == (2, 9, 2.5, NOW)
    assert run.settings == (("FACES", "all"),)
    assert list(indexes_of(run.photos)) == list(range(9))
    first, second = run.parts
    assert list(indexes_of(first.duplicates)) == [1, 4]
    assert (second.first_index, second.photos, second.archive) == (6, 3, "archives/b.zip")
    assert (first.nested, second.nested) == (False, True)


async def test_a_run_of_some_photos_tells_of_their_parts_and_duplicates_alone(
    objects: FolderStore, workers: Workers
) -> None:
    workers.tell(finished([7]))
    candidate = await look(objects, workers, only_failed=True)
    await Starts(objects, workers, lambda: NOW).begin(candidate, Wish())
    [run] = workers.published
    assert [(part.first_index, part.duplicates) for part in run.parts] == [(0, b"")]
    assert run.priority == 4


async def test_of_replays_at_once_one_begins_and_the_same_again_is_the_same(
    objects: FolderStore, workers: Workers
) -> None:
    candidate = await look(objects, workers)
    clock = iter(range(1, 100))
    starts = Starts(objects, workers, lambda: float(next(clock)))
    begun = await asyncio.gather(*(starts.begin(candidate, Wish()) for _ in range(8)))
    assert sum(each.anew for each in begun) == 1
    assert len({each.run for each in begun}) == len(set(workers.published)) == 1
    assert objects.keys("runs/") == [run_key("b1", 2)]


async def test_another_replay_goes_first_and_is_published_again(
    objects: FolderStore, workers: Workers
) -> None:
    candidate = await look(objects, workers)
    starts = Starts(objects, workers, lambda: NOW)
    await starts.begin(candidate, Wish())
    with pytest.raises(StreamappError) as refusal:
        await starts.begin(candidate, Wish(priority=1))
    assert refusal.value.code is Code.BATCH_OPEN
    assert "run 2" in refusal.value.detail
    assert [run.priority for run in workers.published] == [4, 4]


async def test_the_same_replay_with_another_share_of_the_rate_is_the_same(
    objects: FolderStore, workers: Workers
) -> None:
    """How many batches share it may have changed since the first was cut off."""
    candidate = await look(objects, workers)
    await Starts(objects, workers, lambda: NOW).begin(candidate, Wish(rate=5.0))
    again = await Starts(objects, workers, lambda: NOW + 1).begin(candidate, Wish(rate=10.0))
    assert not again.anew
    assert [run.rate for run in workers.published] == [5.0, 5.0]


async def test_where_the_run_in_the_store_cannot_be_read_it_is_told_which_object(
    objects: FolderStore, workers: Workers
) -> None:
    candidate = await look(objects, workers)
    objects.put(run_key("b1", 2), b'{"type": "run", "rate": null}', "application/json")
    with pytest.raises(StreamappError) as refusal:
        await Starts(objects, workers, lambda: NOW).begin(candidate, Wish())
    assert refusal.value.code is Code.INTERNAL
    assert run_key("b1", 2) in refusal.value.detail
    assert workers.published == []


async def test_what_was_cut_off_before_the_log_is_begun_by_the_same_replay_again(
    objects: FolderStore, workers: Workers
) -> None:
    candidate = await look(objects, workers)
    clock = iter((1.0, 2.0))
    starts = Starts(objects, workers, lambda: next(clock))
    workers.fault = StreamappError(Code.KAFKA_AWAY)
    with pytest.raises(StreamappError):
        await starts.begin(candidate, Wish())
    workers.fault = None
    begun = await starts.begin(candidate, Wish())
    assert not begun.anew
    assert workers.published == [begun.run]
    assert begun.run.started_at == 1.0


async def test_a_run_that_no_message_can_tell_is_refused_and_leaves_nothing(
    objects: FolderStore, workers: Workers
) -> None:
    large = structs.replace(FIRST, archive="archives/" + "a" * 500)
    candidate = (await look(objects, workers))._replace(parts=(large,) * 1800)
    with pytest.raises(StreamappError) as refusal:
        await Starts(objects, workers, lambda: NOW).begin(candidate, Wish())
    assert refusal.value.code is Code.BATCH_FULL
    assert objects.keys("runs/") == []
