"""How much waits, is in work and is done: as the predecessor told it, and lane by lane."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streamapp.errors import Code, StreamappError
from streamapp.progress import Figures, GroupLoad, WorkerLoad
from streamapp.upload.queue_stats import FRESH_S, QueueStats
from tests.e2e.installation import BROKEN, PATIENCE_S, PHOTOS
from tests.e2e.test_upload_http import refused
from tests.e2e.upload_service import Surroundings, make_app, serving

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.objects.folder import FolderStore
    from tests.e2e.installation import Installation

TOTAL = PHOTOS + len(BROKEN)
FIRST = WorkerLoad(
    of=2,
    partitions={0: {"high": Figures(10, 5, 1), "low": Figures(7, 0, 0)}},
    active={"high": 4},
)
SECOND = WorkerLoad(of=2, partitions={1: {"high": Figures(1, 2, 3)}}, active={"high": 1})


def stats(url: str) -> httpx.Response:
    return httpx.get(f"{url}/api/batch/queue-stats", timeout=30)


def lane(active: int, completed: int, failed: int, waiting: int) -> dict[str, int]:
    return {"active": active, "completed": completed, "failed": failed, "waiting": waiting}


def test_the_answer_is_the_predecessors_and_each_lanes(
    store: FolderStore, around: Surroundings
) -> None:
    around.told = GroupLoad(workers={"http://a": FIRST, "http://b": SECOND})
    with serving(make_app(store, around)) as url:
        answer = stats(url)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.json() == {
            "success": True,
            "stats": {
                "faceDetection": lane(5, 7, 4, 13),
                "lanes": {
                    "high": lane(5, 7, 4, 6),
                    "normal": lane(0, 0, 0, 0),
                    "low": lane(0, 0, 0, 7),
                },
            },
            "ageSeconds": 0,
        }


def test_before_every_partition_was_told_it_is_503(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around)) as url:
        refused(stats(url), Code.PROGRESS_AWAY)
    around.told = GroupLoad(workers={"http://a": FIRST})
    with serving(make_app(store, around)) as url:
        refused(stats(url), Code.PROGRESS_AWAY)


class Told:
    """What the workers tell, with a clock that stands unless it is set."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asked = 0
        self.workers: dict[str, WorkerLoad] | None = None

    def clock(self) -> float:
        return self.now

    async def load(self) -> GroupLoad:
        self.asked += 1
        if self.workers is None:
            raise StreamappError(Code.PROGRESS_AWAY)
        return GroupLoad(workers=self.workers)


async def test_the_workers_are_asked_once_in_a_while() -> None:
    told = Told()
    told.workers = {"http://a": FIRST, "http://b": SECOND}
    stats = QueueStats(told, told.clock)
    for _ in range(3):
        await stats.tell()
    assert told.asked == 1
    told.now += FRESH_S
    await stats.tell()
    assert told.asked == 2


async def test_what_was_told_last_of_a_partition_stands_until_it_is_told_again() -> None:
    told = Told()
    told.workers = {"http://a": FIRST, "http://b": SECOND}
    stats = QueueStats(told, told.clock)
    assert (await stats.tell()).age_seconds == 0
    told.now += 5
    told.workers = {"http://a": FIRST}
    answer = await stats.tell()
    assert (answer.age_seconds, answer.stats.lanes["high"].failed) == (5, 4)
    assert answer.stats.lanes["high"].active == 4
    told.now += 5
    told.workers = None
    answer = await stats.tell()
    assert (answer.age_seconds, answer.stats.lanes["high"].completed) == (10, 7)
    assert answer.stats.face_detection.active == 0
    told.now += 5
    told.workers = {"http://a": FIRST, "http://c": SECOND}
    assert (await stats.tell()).age_seconds == 0


# The real services.


@pytest.fixture
def other_settings() -> dict[str, Any]:
    return {"partitions": 6}


def told_at(installation: Installation) -> dict[str, Any]:
    """The answer, once there is one; whoever waits for it does not do so for long."""
    deadline = time.monotonic() + PATIENCE_S
    while (answer := stats(installation.members.uploader.url)).status_code != 200:
        refused(answer, Code.PROGRESS_AWAY)
        assert time.monotonic() < deadline
        time.sleep(0.1)
    content: dict[str, Any] = answer.json()
    return content


def test_every_photo_is_counted_once_through_the_death_of_a_worker(
    installation: Installation, archive: Path
) -> None:
    nothing = lane(0, 0, 0, 0)
    assert told_at(installation)["stats"] == {
        "faceDetection": nothing,
        "lanes": {"high": nothing, "normal": nothing, "low": nothing},
    }
    batches = [installation.upload(archive, priority=priority)["batchId"] for priority in "19"]
    opened = [False, False]
    active, killed, before = 0, False, nothing
    deadline = time.monotonic() + PATIENCE_S
    end = lane(0, 2 * (TOTAL - 3), 2 * 3, 0)
    while True:
        answer = told_at(installation)
        now = answer["stats"]["faceDetection"]
        lanes = answer["stats"]["lanes"]
        opened = [sum(lanes[each].values()) > 0 for each in ("high", "low")]
        assert sum(now.values()) == TOTAL * sum(opened)
        assert lanes["normal"] == nothing
        for final in ("completed", "failed"):
            assert now[final] >= before[final], (before, answer)
        active, before = max(active, now["active"]), now
        if now["completed"] and not killed:
            os.kill(installation.members.workers[0].daemon.pid, signal.SIGKILL)
            killed = True
        if now == end and not answer["ageSeconds"]:
            break
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)
    assert active > 0
    assert killed
    assert answer["stats"]["lanes"]["high"] == answer["stats"]["lanes"]["low"]
    for batch in batches:
        installation.wait_for(batch, lambda status: status["status"] == "completed")
