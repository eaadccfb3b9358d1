"""``streamapp run`` when something dies, a signal comes, or the folder is not to be had."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import psutil
import pytest

from ops.sample.make import PORTRAIT, make_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "streamapp", "run"]
PATIENCE_S = 90.0
PHOTOS = 300
SLOW = {"WORKER_CONCURRENCY": "1"}
"""One child process: time enough to interfere between the first quarter and the end."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "people.zip"
    make_sample(path, photos=PHOTOS)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.zip"
    make_sample(path, photos=3)
    return path


class Job:
    """A running command."""

    def __init__(self, *command: object, log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                list(map(str, command)),
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | SLOW,
            )

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def said(self) -> str:
        return self._log.read_text()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code; every process must be gone after it."""
        family = self.family()
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert psutil.wait_procs(family, timeout=10)[1] == []
        return code


@pytest.fixture
def job(archive: Path, tmp_path: Path) -> Iterator[Job]:
    running = Job(*COMMAND, archive, "--out", tmp_path / "out", log=tmp_path / "log")
    yield running
    running.process.kill()
    running.process.wait()


def test_it_goes_on_when_uploader_and_worker_die(job: Job, tmp_path: Path) -> None:
    job.wait_for("Finding faces: ")
    for process in job.family():
        if process.cmdline()[-1:] in (["serve"], ["worker"]):
            process.kill()
    assert job.process.wait(PATIENCE_S) == 0
    assert f"{PHOTOS} photos: {PHOTOS * 5 // 6} with a face" in job.said()
    with (tmp_path / "out/results.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == PHOTOS + 1


def test_every_face_of_a_photo_has_a_row_and_a_crop_in_the_format_asked_for(
    tmp_path: Path,
) -> None:
    portrait: Any = cv2.imread(str(PORTRAIT))
    pair = np.hstack([portrait, cv2.resize(portrait, None, fx=0.7, fy=1.0)])
    with zipfile.ZipFile(tmp_path / "pair.zip", "w") as opened:
        opened.writestr("pair.png", cv2.imencode(".png", pair)[1].tobytes())
        opened.writestr("gray.png", cv2.imencode(".png", np.full_like(pair, 90))[1].tobytes())
    chosen = {"FACES": "all", "CROP_FORMAT": "webp", "CROP_SIZE": "200x240"}
    subprocess.run(
        [*COMMAND, tmp_path / "pair.zip", "--out", tmp_path / "out"],
        env=os.environ | chosen,
        check=True,
    )
    with (tmp_path / "out/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["photo"], row["face"], row["face_index"]) for row in rows] == [
        ("pair.png", "yes", "0"),
        ("pair.png", "yes", "1"),
        ("gray.png", "no", ""),
    ]
    crops = [row["crop"] for row in rows[:2]]
    assert crops == ["crops/pair/00000000.webp", "crops/pair/00000000-1.webp"]
    for crop in crops:
        pixels: Any = cv2.imread(str(tmp_path / "out" / crop))
        assert pixels.shape == (240, 200, 3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_nothing(
    job: Job, tmp_path: Path, number: signal.Signals
) -> None:
    job.wait_for("Finding faces: ")
    assert job.end(number) == 128 + number
    assert "Traceback" not in job.said()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_signal_to_the_script_ends_the_job_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = set(Path("/tmp").iterdir())  # noqa: S108 - looked at, not written to
    job = Job(ROOT / "ops/run", "--out", tmp_path / "out", log=tmp_path / "log")
    job.wait_for("Starting Kafka")
    assert job.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert list((tmp_path / "out").iterdir()) == []
    left = set(Path("/tmp").iterdir()) - temporary  # noqa: S108
    assert [path for path in left if path.is_dir() and list(path.glob("sample.zip"))] == []


def test_it_ignores_the_services_of_the_environment(small: Path, tmp_path: Path) -> None:
    production = {
        "OBJECTS_URL": f"file://{tmp_path}/production",
        "RECORDS_URL": f"sqlite://{tmp_path}/production.sqlite",
        "KAFKA_BOOTSTRAP": "127.0.0.1:9",
        "KAFKA_PREFIX": "production.",
        "WORKERS_URL": "http://127.0.0.1:9",
        "WORKER_HOST": "auto",
        "UPLOAD_HOST": "203.0.113.1",
        "http_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [*COMMAND, small, "--out", tmp_path / "out"], env=os.environ | production, check=False
    )
    assert done.returncode == 0
    assert list(tmp_path.glob("production*")) == []


@pytest.mark.parametrize("out", ["a-file", "a-file/inside"])
def test_a_folder_that_cannot_be_written_is_told(small: Path, tmp_path: Path, out: str) -> None:
    (tmp_path / "a-file").touch()
    done = subprocess.run(
        [*COMMAND, small, "--out", tmp_path / out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("streamapp: folder_unusable: ")
    assert str(tmp_path / out) in done.stderr
    assert "Traceback" not in done.stderr
