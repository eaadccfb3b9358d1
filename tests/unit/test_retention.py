"""What is kept for a time only goes when its batch has ended, and nothing else goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from connectors.objects.folder import FolderStore
from streamapp.errors import Code, StreamappError
from streamapp.events import ArchiveStored, encode
from streamapp.keys import archive_key, crop_key, manifest_key, quota_mark_key, run_key
from streamapp.progress import Counts, Status
from streamapp.upload.retention import Kept, Retention, Sweep, remove_archives

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamapp.progress import BatchState

DAY_S = 86_400.0
A, B = "a" * 32, "b" * 32
IMPORTED = "deliveries/may.zip"


class Owners:
    """A progress source that knows what it was told."""

    def __init__(self) -> None:
        self.states: dict[str, BatchState] = {}
        self.away = False

    async def status(self, batch: str) -> Status | None:
        if self.away:
            raise StreamappError(Code.PROGRESS_AWAY)
        state = self.states.get(batch)
        counts = Counts(processed=0, total=1, failed=0)
        return state and Status(
            batch_id=batch, status=state, image_count=1, progress=counts, progress_percent=0
        )


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    store = FolderStore(tmp_path)
    store.prepare()
    return store


@pytest.fixture
def owners() -> Owners:
    return Owners()


def days_later(days: float) -> Callable[[], float]:
    return lambda: time.time() + days * DAY_S


def add_part(store: FolderStore, batch: str, number: int = 0, archive: str = "") -> None:
    """A part with its archive, manifest and quota mark."""
    archive = archive or archive_key(f"{batch[:30]}{number:02d}")
    part = ArchiveStored(
        batch=batch,
        project="p1",
        priority=5,
        archive=archive,
        archive_bytes=3,
        name="",
        photos=1,
        stored_at=0,
    )
    store.put(archive, b"zip", "")
    store.put(manifest_key(batch, number), encode(part), "")
    if archive != IMPORTED:
        store.put(quota_mark_key("p1", archive, 3), b"", "")


def retention(
    store: FolderStore, owners: Owners, days: float, *, archives: float = 0, crops: float = 0
) -> Retention:
    """The retention of so many days after everything was stored."""
    kept = Kept(archives_s=archives * DAY_S, crops_s=crops * DAY_S)
    return Retention(objects=store, progress=owners, kept=kept, clock=days_later(days))


@pytest.mark.parametrize("state", ["completed", "cancelled"])
async def test_an_old_archive_goes_with_its_manifests_and_marks(
    store: FolderStore, owners: Owners, state: BatchState
) -> None:
    add_part(store, A)
    add_part(store, A, 1)
    owners.states[A] = state
    assert (await retention(store, owners, 8, archives=7).advance())["old archives"] == 2
    assert store.keys("") == []


@pytest.mark.parametrize("state", ["queued", "processing"])
async def test_nothing_goes_of_a_batch_that_has_not_ended(
    store: FolderStore, owners: Owners, state: BatchState
) -> None:
    add_part(store, A)
    store.put(crop_key(A, 0), b"crop", "")
    owners.states[A] = state
    before = store.keys("")
    await retention(store, owners, 1000, archives=7, crops=7).advance()
    assert store.keys("") == before


async def test_what_is_young_stays(store: FolderStore, owners: Owners) -> None:
    add_part(store, A)
    store.put(crop_key(A, 0), b"crop", "")
    owners.states[A] = "completed"
    before = store.keys("")
    await retention(store, owners, 6.9, archives=7, crops=7).advance()
    assert store.keys("") == before


async def test_without_a_time_everything_stays(store: FolderStore, owners: Owners) -> None:
    add_part(store, A)
    store.put(crop_key(A, 0), b"crop", "")
    owners.states[A] = "completed"
    before = store.keys("")
    await retention(store, owners, 10_000).advance()
    assert store.keys("") == before


async def test_old_crops_go_and_the_archive_stays(store: FolderStore, owners: Owners) -> None:
    add_part(store, A)
    archive = store.keys("")
    for index in range(5):
        store.put(crop_key(A, index), b"crop", "")
    owners.states[A] = "completed"
    assert (await retention(store, owners, 8, crops=7).advance())["old crops"] == 5
    assert store.keys("") == archive


async def test_while_the_owner_is_away_the_batch_stays(store: FolderStore, owners: Owners) -> None:
    add_part(store, A)
    owners.away = True
    before = store.keys("")
    await retention(store, owners, 1000, archives=7).advance()
    assert store.keys("") == before


@pytest.mark.parametrize(("days", "left"), [(13.9, 3), (14.1, 0)])
async def test_a_batch_that_nobody_knows_goes_after_twice_the_time(
    store: FolderStore, owners: Owners, days: float, left: int
) -> None:
    add_part(store, A)
    await retention(store, owners, days, archives=7).advance()
    assert len(store.keys("")) == left


async def test_an_imported_archive_stays_when_its_manifest_goes(
    store: FolderStore, owners: Owners
) -> None:
    add_part(store, A, archive=IMPORTED)
    owners.states[A] = "completed"
    await retention(store, owners, 8, archives=7).advance()
    assert store.keys("") == [IMPORTED]


def test_a_batch_with_a_young_part_stays_whole(store: FolderStore) -> None:
    add_part(store, A)
    add_part(store, A, 1)
    old, young = store.listing(f"batches/{A}/")
    before = store.keys("")
    assert remove_archives(store, [old], young.modified) == 0
    assert store.keys("") == before


async def test_the_runs_of_a_batch_go_with_its_archive(store: FolderStore, owners: Owners) -> None:
    for batch in (A, B):
        add_part(store, batch)
        store.put(run_key(batch, 2), b"run", "")
        store.put(run_key(batch, 3), b"run", "")
    owners.states = {A: "completed", B: "processing"}
    await retention(store, owners, 8, archives=7).advance()
    assert store.keys("runs/") == [run_key(B, 2), run_key(B, 3)]


def test_a_batch_with_a_young_run_stays_whole(store: FolderStore) -> None:
    add_part(store, A)
    store.put(run_key(A, 2), b"run", "")
    (part,), (run,) = store.listing(f"batches/{A}/"), store.listing(f"runs/{A}/")
    before = store.keys("")
    assert part.modified < run.modified
    assert remove_archives(store, [part], run.modified) == 0
    assert store.keys("") == before


def test_a_removal_that_was_broken_off_is_finished_by_the_next(store: FolderStore) -> None:
    for number in range(3):
        add_part(store, A, number)
    first, second, third = store.listing(f"batches/{A}/")
    store.delete(archive_key(f"{A[:30]}02"))
    store.delete(third.key)
    store.delete(archive_key(f"{A[:30]}01"))
    assert remove_archives(store, [first, second], time.time() + 1) == 2
    assert store.keys("batches/") == store.keys("archives/") == []


async def test_a_broken_manifest_does_not_keep_others(store: FolderStore, owners: Owners) -> None:
    store.put(manifest_key(A), b"no event", "")
    add_part(store, B)
    owners.states = {A: "completed", B: "completed"}
    await retention(store, owners, 8, archives=7).advance()
    assert store.keys("") == [manifest_key(A)]


async def test_a_round_is_bounded_and_the_next_goes_on(store: FolderStore, owners: Owners) -> None:
    batches = [f"{number:032x}" for number in range(4)]
    for batch in batches:
        add_part(store, batch)
        owners.states[batch] = "queued" if batch == batches[0] else "completed"
    sweep = Sweep(
        objects=store,
        progress=owners,
        prefix="batches/",
        kept_s=DAY_S,
        remove=remove_archives,
        clock=days_later(2),
        round_s=0,
    )
    assert [await sweep.advance() for _ in batches] == [0, 1, 1, 1]
    owners.states[batches[0]] = "completed"
    assert [await sweep.advance(), await sweep.advance()] == [0, 1], "then it begins anew"
