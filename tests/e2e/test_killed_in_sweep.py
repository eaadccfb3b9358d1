"""A worker that dies while it deletes what a run replaced: the next owner of the batch goes on."""

from __future__ import annotations

import os
import signal
import time
import zipfile
from typing import TYPE_CHECKING, Any

import cv2
import pytest

from ops.sample.make import PORTRAIT
from streamapp.events import RunSwept, decode_batch_log
from streamapp.keys import crop_key, crop_place
from streamapp.wiring.values import topics
from tests.e2e.installation import PATIENCE_S
from tests.e2e.kafka_sight import everything_in
from tests.e2e.replaying import replay
from tests.e2e.test_replay_runs import finish, in_run, owner_of, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation

pytestmark = pytest.mark.timeout(300)  # it waits twice, with patience

PHOTOS = 72
COLUMNS, ROWS = 4, 2
FACES = COLUMNS * ROWS
"""Of each photo; their crops take seconds to delete."""


@pytest.fixture
def other_settings() -> dict[str, Any]:
    return {"faces": "all"}


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    path = tmp_path / "groups.zip"
    portrait: Any = cv2.imread(str(PORTRAIT))
    portrait = cv2.resize(portrait, (320, 320))
    group = cv2.vconcat([cv2.hconcat([portrait] * COLUMNS)] * ROWS)
    content = bytes(cv2.imencode(".jpg", group)[1])
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(PHOTOS):
            archive.writestr(f"{number:02d}.jpg", content)
    return path


def replaced(installation: Installation, batch: str) -> set[str]:
    """The first run's crops that are left."""
    places = {key: crop_place(key) for key in installation.crops(batch)}
    return {key for key, place in places.items() if place and place[1] == 1}


def test_the_next_owner_ends_the_sweep(installation: Installation, groups: Path) -> None:
    batch = finish(installation, groups, PHOTOS * FACES)
    first = settle(installation, batch, in_run(1))
    assert len(first.crops) == PHOTOS * FACES
    owner = owner_of(installation, batch)
    assert replay(installation, batch, "--set", "FACES=one").code == 0

    deadline = time.monotonic() + PATIENCE_S
    while len(replaced(installation, batch)) == PHOTOS * FACES:
        assert time.monotonic() < deadline, "nothing is swept"
        time.sleep(0.01)
    os.kill(owner, signal.SIGKILL)
    killed_at = time.time()
    assert replaced(installation, batch), "the sweep was over before the kill"

    after = settle(installation, batch, in_run(2))
    assert len(after.rows) == len(after.crops) == PHOTOS
    assert installation.crops(batch) == {crop_key(batch, index, run=2) for index in range(PHOTOS)}
    log = everything_in(installation.settings, topics(installation.settings).batches)
    swept = [told for told in log if isinstance(decode_batch_log(told.value), RunSwept)]
    assert swept
    assert all(told.timestamp > 1000 * killed_at for told in swept)
