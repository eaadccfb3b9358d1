"""A vision child that is killed once in mid-work costs its photos time, and nothing else."""

from __future__ import annotations

import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from streamapp.wiring.values import topics
from tests.data.hostile_jpeg import of_many_scans
from tests.e2e.installation import PATIENCE_S, assert_exact
from tests.e2e.kafka_sight import everything_in

if TYPE_CHECKING:
    from pathlib import Path

    from streamapp.members import Member
    from tests.e2e.installation import Installation

pytestmark = pytest.mark.timeout(300)  # it waits twice, with patience

SLOW = of_many_scans(1600, 1000)
"""A second of a core: long enough to be met at work."""

AT_WORK_S = 0.2
"""Of CPU, within one photo."""

IDLE_S = 1.0
"""A child that takes no CPU for so long has loaded its model and waits."""


@pytest.fixture
def other_settings() -> dict[str, Any]:
    return {"partitions": 4, "photo_time_limit_s": 120, "photo_attempts": 3, "retry_delay_s": 0.5}


def of_slow_photos(path: Path, photos: int) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for number in range(photos):
            opened.writestr(f"{number:02d}.jpg", SLOW)
    return path


def child_of(worker: Member) -> psutil.Process | None:
    """The worker's one child, which its server of forks has forked; None before."""
    of_worker = psutil.Process(worker.daemon.pid).children()
    forked = [child for each in of_worker for child in each.children()]
    assert len(forked) <= 1, forked
    return forked[0] if forked else None


def cpu_s(child: psutil.Process) -> float:
    times = child.cpu_times()
    return float(times.user + times.system)


def idle_children(installation: Installation) -> dict[psutil.Process, float]:
    """Each worker's child and the CPU it took, once none takes any more."""
    deadline = time.monotonic() + PATIENCE_S
    taken: dict[psutil.Process, float] = {}
    while True:
        children = [child_of(worker) for worker in installation.members.workers]
        now = {child: cpu_s(child) for child in children if child}
        if len(now) == len(children) and now == taken:
            return now
        assert time.monotonic() < deadline, "no children that wait"
        taken = now
        time.sleep(IDLE_S)


def kill_at_work(idle: dict[psutil.Process, float]) -> psutil.Process:
    """Kill the first child that is in the middle of a photo."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        for child, before in idle.items():
            if cpu_s(child) > before + AT_WORK_S:
                child.kill()
                return child
        assert time.monotonic() < deadline, "no child works"
        time.sleep(0.01)


def assert_replaced(installation: Installation, killed: psutil.Process, workers: list[int]) -> None:
    """The same workers live, and have a child each, which the killed one is none of."""
    assert [worker.daemon.pid for worker in installation.members.workers] == workers
    deadline = time.monotonic() + PATIENCE_S
    while not all(children := [child_of(each) for each in installation.members.workers]):
        assert time.monotonic() < deadline, "a worker is without its child"
        time.sleep(0.1)
    assert killed not in children


def finish_with_one_kill(installation: Installation, archive: Path) -> list[list[str]]:
    """Kill a child in mid-batch; what the retries that were needed say of the attempts before."""
    workers = [worker.daemon.pid for worker in installation.members.workers]
    idle = idle_children(installation)
    batch = installation.upload(archive)["batchId"]
    killed = kill_at_work(idle)
    seen = installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen), "progress went backwards"
    assert_exact(installation, batch, archive, failed=0)
    assert_replaced(installation, killed, workers)
    of = topics(installation.settings)
    assert not everything_in(installation.settings, of.dead)
    retries = [each for topic in of.retries for each in everything_in(installation.settings, topic)]
    attempts = [json.loads(dict(retry.headers)["attempts"]) for retry in retries]
    return [[attempt["code"] for attempt in of_photo] for of_photo in attempts]


def test_a_run_of_neighbours_is_worked_off_again_and_costs_nobody_an_attempt(
    installation: Installation, tmp_path: Path
) -> None:
    photos = 2 * installation.settings.partitions  # two neighbours to a run
    archive = of_slow_photos(tmp_path / "photos.zip", photos)
    assert finish_with_one_kill(installation, archive) == []


def test_a_photo_that_was_alone_comes_back_for_its_next_attempt(
    installation: Installation, tmp_path: Path
) -> None:
    archive = of_slow_photos(tmp_path / "photos.zip", 1)
    assert finish_with_one_kill(installation, archive) == [["photo_crashed"]]
