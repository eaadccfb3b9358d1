"""A worker that is frozen, replaced and awakened (a paused VM, a stalled disk) does no harm."""

from __future__ import annotations

import os
import signal
import time
import zipfile
from typing import TYPE_CHECKING

import httpx
import pytest

from streamapp.keys import STATUS_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from streamapp.members import Member
    from tests.e2e.installation import Installation

PHOTOS = 4000
FROZEN_S = 10.0


@pytest.fixture
def empty_photos(tmp_path: Path) -> Path:
    """Files that fail at once: the batch log grows as fast as it can."""
    path = tmp_path / "empty.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for number in range(PHOTOS):
            opened.writestr(f"{number:05d}.jpg", b"")
    return path


def owner_of(installation: Installation, batch: str) -> Member:
    """The worker that answers for the batch itself."""
    for worker in installation.members.workers:
        answer = httpx.get(
            f"{worker.url}{STATUS_PATH}/{batch}", headers={"X-Streamapp-Routed": "1"}, timeout=10
        )
        if answer.status_code in {httpx.codes.OK, httpx.codes.NOT_FOUND}:
            return worker
    raise AssertionError("nobody owns the batch")


def test_progress_is_exact_and_never_goes_backwards(
    installation: Installation, empty_photos: Path
) -> None:
    batch = installation.upload(empty_photos)["batchId"]
    seen = installation.wait_for(batch, lambda status: status["progress"]["processed"] > 0)
    owner = owner_of(installation, batch)
    assert seen[-1] < PHOTOS, "the batch was over before the freeze"
    os.kill(owner.daemon.pid, signal.SIGSTOP)
    time.sleep(FROZEN_S)
    os.kill(owner.daemon.pid, signal.SIGCONT)
    seen += installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen), "progress went backwards"

    # What the awakened one wrote is in the changelog by now; a recovery must see through it.
    time.sleep(3)
    for worker in installation.members.workers:
        worker.daemon.stop()
        worker.start()
    assert set(installation.wait_for(batch, lambda status: status["status"] == "completed")) == {
        PHOTOS
    }
    assert len(installation.rows(batch, PHOTOS)) == PHOTOS
