"""Batches done again by ``streamapp replay``: exact, and never less than before on the way."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import httpx
import pytest
from msgspec import structs

from ops.sample.make import PORTRAIT, make_sample
from streamapp.events import RunStarted, decode_batch_log
from streamapp.keys import STATUS_PATH, crop_key, run_key
from streamapp.wiring.stores import object_store, record_store
from streamapp.wiring.values import topics
from tests.e2e.installation import PATIENCE_S
from tests.e2e.replaying import command, replay, said
from tests.e2e.test_cancelled_run import cancel
from tests.e2e.test_replay import reset_to_earliest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.records.interface import PhotoRecord
    from tests.e2e.installation import Installation

SAMPLES = 12
GROUP, LARGE, NO_PHOTO = SAMPLES, SAMPLES + 1, SAMPLES + 2
PHOTOS = SAMPLES + 3
GROUP_FACES = 3


@pytest.fixture
def other_settings() -> dict[str, Any]:
    """The large photo has more pixels than the installation takes."""
    return {"photo_pixels_max": 1_000_000}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Portraits, photos without a face, a group of three, a photo that is too large, and none."""
    path = tmp_path / "mixed.zip"
    make_sample(path, photos=SAMPLES)
    portrait: Any = cv2.imread(str(PORTRAIT))
    with zipfile.ZipFile(path, "a") as archive:
        for name, pixels in (
            ("group.jpg", cv2.resize(cv2.hconcat([portrait] * GROUP_FACES), (1200, 400))),
            ("large.jpg", cv2.resize(portrait, (1200, 1200))),
        ):
            archive.writestr(name, bytes(cv2.imencode(".jpg", pixels)[1]))
        archive.writestr("notes.txt", "no photo at all")
    return path


class Standing(NamedTuple):
    """All that a batch has come to: its rows, and its crops by the row's photo and face."""

    rows: list[PhotoRecord]
    crops: dict[tuple[int, int], bytes]

    def facts(self) -> list[PhotoRecord]:
        """The rows without the run, its time, and the addresses that tell of it."""
        return [
            structs.replace(row, run=1, finished_at=0.0, cropped_photo_url=None, face_crop_url=None)
            for row in self.rows
        ]

    def of(self, index: int) -> list[PhotoRecord]:
        """The rows of a photo."""
        return [row for row in self.rows if row.photo_index == index]


def finish(installation: Installation, archive: Path, photos: int, **fields: str) -> str:
    batch: str = installation.upload(archive, **fields)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    installation.rows(batch, photos)
    return batch


def settle(
    installation: Installation, batch: str, expected: Callable[[list[PhotoRecord]], bool]
) -> Standing:
    """What a batch is once its rows are as expected; there is one crop for each, and no other.

    Rows and the end of what was replaced follow the counts by a moment.
    """
    store = object_store(installation.settings)
    deadline = time.monotonic() + PATIENCE_S
    while not expected(rows := asyncio.run(rows_of(installation, batch))):
        assert time.monotonic() < deadline, rows
        time.sleep(0.1)
    keys = {}
    for row in rows:
        if row.face_crop_url is not None:
            key = crop_key(batch, row.photo_index, row.face_index, run=row.run)
            assert row.face_crop_url == row.cropped_photo_url == store.url(key)
            keys[row.photo_index, row.face_index] = key
    installation.wait_for_crops(batch, set(keys.values()))
    return Standing(rows, {face: store.read(key, 0, 1 << 20) for face, key in keys.items()})


async def rows_of(installation: Installation, batch: str) -> list[PhotoRecord]:
    records = record_store(installation.settings)
    try:
        return [row async for row in records.rows(batch)]
    finally:
        await records.close()


def in_run(run: int) -> Callable[[list[PhotoRecord]], bool]:
    """Whether all rows are of this run."""
    return lambda rows: {row.run for row in rows} == {run}


def status_of(installation: Installation, batch: str) -> dict[str, Any]:
    status = None
    while status is None:
        status = installation.ask(installation.members.uploader.url, batch)
    return status


def runs_of(installation: Installation, batch: str) -> list[tuple[int, str, int, int, int]]:
    return [
        (run["run"], run["status"], run["photos"], run["processed"], run["failed"])
        for run in status_of(installation, batch)["runs"]
    ]


def test_a_batch_done_again_is_what_it_was_and_never_less_meanwhile(
    installation: Installation, mixed: Path
) -> None:
    batch = finish(installation, mixed, PHOTOS)
    before = settle(installation, batch, in_run(1))
    replaying = command(installation, batch, "--rate", 10, "--wait", "--json")
    seen = installation.wait_for(batch, lambda status: status.get("run", 1) == 2)
    seen += installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert set(seen) == {PHOTOS}, "progress went backwards"
    told = said(replaying)
    assert told.code == 0, told.err
    [line] = told.lines
    assert (line["batchId"], line["run"], line["photos"]) == (batch, 2, PHOTOS)
    assert (line["failedBefore"], line["status"]) == (2, "completed")
    assert line["progress"] == {"processed": PHOTOS, "total": PHOTOS, "failed": 2}
    after = settle(installation, batch, in_run(2))
    assert after.facts() == before.facts()
    assert after.crops == before.crops
    assert runs_of(installation, batch) == [
        (1, "completed", PHOTOS, PHOTOS, 2),
        (2, "completed", PHOTOS, PHOTOS, 2),
    ]


def test_only_the_failed_are_done_again_with_a_setting_that_helps_one(
    installation: Installation, mixed: Path
) -> None:
    batch = finish(installation, mixed, PHOTOS)
    before = settle(installation, batch, in_run(1))
    assert {row.photo_index for row in before.rows if row.error_code} == {LARGE, NO_PHOTO}
    told = replay(
        installation,
        "--project",
        "tests",
        "--failed",
        "--set",
        "PHOTO_PIXELS_MAX=2000000",
        "--wait",
    )
    assert told.code == 0, told.err
    assert told.out == (
        f"{batch}: run 2 of 2 photos has ended: the batch is completed, "
        f"1 of {PHOTOS} photos failed\n"
        "in all: 1 batch, 2 photos, 2 failed\n"
    )
    again = {LARGE, NO_PHOTO}
    after = settle(
        installation, batch, lambda rows: {row.photo_index for row in rows if row.run == 2} == again
    )
    assert [row for row in after.rows if row.photo_index not in again] == [
        row for row in before.rows if row.photo_index not in again
    ]
    [large] = after.of(LARGE)
    assert (large.processing_status, large.face_detected) == ("completed", True)
    [no_photo] = after.of(NO_PHOTO)
    assert (no_photo.processing_status, no_photo.error_code) == ("failed", "photo_not_an_image")
    assert runs_of(installation, batch)[1] == (2, "completed", 2, 2, 1)

    told = replay(installation, batch, "--set", "PHOTO_PIXELS_MAX=2000000", "--wait")
    assert told.code == 0, told.err
    assert "run 3 of" in told.out
    third = settle(installation, batch, in_run(3))
    assert third.facts() == after.facts()


def test_all_faces_and_then_one_again_leave_neither_row_nor_crop_too_many(
    installation: Installation, mixed: Path
) -> None:
    batch = finish(installation, mixed, PHOTOS)
    before = settle(installation, batch, in_run(1))
    assert replay(installation, batch, "--set", "FACES=all", "--wait").code == 0
    everybody = settle(installation, batch, in_run(2))
    assert [row.face_index for row in everybody.of(GROUP)] == list(range(GROUP_FACES))
    assert len(everybody.crops) == len(before.crops) + GROUP_FACES - 1
    assert replay(installation, batch, "--wait").code == 0
    after = settle(installation, batch, in_run(3))
    assert after.facts() == before.facts()
    assert after.crops == before.crops


def test_a_rate_is_split_over_the_batches_that_begin(
    installation: Installation, mixed: Path
) -> None:
    batches = [finish(installation, mixed, PHOTOS, priority="9") for _ in range(2)]
    store = object_store(installation.settings)
    unknown = "0" * 32
    told = replay(installation, *batches, unknown, "--rate", 30, "--priority", 2)
    assert told.code == 1, "one of them is unknown"
    assert told.out.splitlines() == [
        *(f"{batch}: run 2 does {PHOTOS} photos again" for batch in batches),
        f"in all: 2 batches, {2 * PHOTOS} photos, 4 failed",
    ]
    for batch in batches:
        run = decode_batch_log(store.read(run_key(batch, 2), 0, 1 << 20))
        assert isinstance(run, RunStarted)
        assert (run.rate, run.priority) == (15.0, 2)
        settle(installation, batch, in_run(2))
        assert status_of(installation, batch)["priority"] == 2


def test_the_same_replay_by_two_at_once_is_one_run_and_another_one_waits(
    installation: Installation, mixed: Path
) -> None:
    batch = finish(installation, mixed, PHOTOS)
    before = settle(installation, batch, in_run(1))
    # Half a minute: a command takes seconds to start where others run beside it.
    same = [command(installation, batch, "--rate", 0.5) for _ in range(2)]
    for told in map(said, same):
        assert told.code in {0, 1}, told.err
        assert f"{batch}: run 2 does" in told.out or "batch_open" in told.err
    other = replay(installation, batch)
    assert (other.code, other.out) == (1, "")
    assert other.err.startswith(f"streamapp: {batch}: batch_open: ")
    found = replay(installation, "--since", "1h")
    assert (found.code, found.err) == (0, f"{batch}: still running, skipped\n")
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    after = settle(installation, batch, in_run(2))
    assert after.facts() == before.facts()
    assert after.crops == before.crops
    assert status_of(installation, batch)["run"] == 2


def owner_of(installation: Installation, batch: str) -> int:
    """Process id of the worker that answers for the batch itself."""
    for worker in installation.members.workers:
        answer = httpx.get(
            f"{worker.url}{STATUS_PATH}/{batch}", headers={"X-Streamapp-Routed": "1"}, timeout=10
        )
        if answer.status_code == httpx.codes.OK:
            return worker.daemon.pid
    raise AssertionError("nobody owns it")


def under_way(status: dict[str, Any]) -> bool:
    """Whether the second run has done some of its photos."""
    return bool(status.get("run", 1) == 2 and 0 < status["runs"][1]["processed"] < PHOTOS)


def test_a_replay_that_is_cancelled_keeps_what_it_did_and_what_was_there_before(
    installation: Installation, mixed: Path
) -> None:
    batch = finish(installation, mixed, PHOTOS)
    before = settle(installation, batch, in_run(1))
    assert replay(installation, batch, "--rate", 4).code == 0
    seen = installation.wait_for(batch, under_way)
    cancel(installation, batch)
    seen += installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert set(seen) == {PHOTOS}, "progress went backwards"
    cancel(installation, batch)  # once more, as whoever did not get the answer
    _, (run, state, photos, processed, _) = runs_of(installation, batch)
    assert (run, state, photos) == (2, "cancelled", PHOTOS)
    assert 0 < processed < PHOTOS
    after = settle(
        installation,
        batch,
        lambda rows: len({row.photo_index for row in rows if row.run == 2}) == processed,
    )
    assert after.facts() == before.facts()
    assert after.crops == before.crops
    assert replay(installation, batch, "--wait").code == 0
    assert settle(installation, batch, in_run(3)).facts() == before.facts()


def test_kill_9_of_the_owner_in_mid_run_and_the_log_read_again_leave_it_exact(
    installation: Installation, mixed: Path
) -> None:
    batch = finish(installation, mixed, PHOTOS)
    before = settle(installation, batch, in_run(1))
    told = replay(installation, batch, "--rate", 4)
    assert told.code == 0, told.err

    seen = installation.wait_for(batch, under_way)
    os.kill(owner_of(installation, batch), signal.SIGKILL)
    installation.members.watch()
    seen += installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert set(seen) == {PHOTOS}, "progress went backwards"
    after = settle(installation, batch, in_run(2))
    assert after.facts() == before.facts()
    assert after.crops == before.crops

    for worker in installation.members.workers:
        worker.daemon.stop()
    settings = installation.settings
    asyncio.run(reset_to_earliest(settings.kafka_bootstrap, topics(settings)))
    for worker in installation.members.workers:
        worker.start()
    seen = installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert set(seen) == {PHOTOS}, "progress went backwards"
    last = settle(installation, batch, in_run(2))
    assert last == after
    assert runs_of(installation, batch)[1] == (2, "completed", PHOTOS, PHOTOS, 2)
