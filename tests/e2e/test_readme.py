"""README's commands do what README says: each one is run as it stands, from another folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from connectors.ports import is_free
from ops.sample.make import make_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
INLINE = re.findall(r"`(\./ops/[^`]+|docker compose[^`]+)`", README)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a ``photos.zip``, in which ``./ops`` is the project's."""
    (tmp_path / "ops").symlink_to(ROOT / "ops")
    make_sample(tmp_path / "photos.zip", photos=12)
    shutil.copy(ROOT / "ops/sample/astronaut.jpg", tmp_path / "photo.jpg")
    return tmp_path


def shell(command: str, here: Path, **env: str) -> str:
    """What a command prints on standard output; it must succeed."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=here,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_these_are_all_the_commands() -> None:
    assert [command.split()[0] for command in COMMANDS] == [
        "./ops/run",
        "./ops/test",
        "./ops/crop",
        "./ops/up",
        "./ops/upload",
        "curl",
        "curl",
        "curl",
        "curl",
        "curl",
        "docker",
        "./ops/replay",
        "./ops/replay",
        "./ops/replay",
        "./ops/streamapp",
        "./ops/streamapp",
        "./ops/streamapp",
    ]


def test_the_first_command_crops_the_sample(here: Path) -> None:
    assert "60 photos: 50 with a face" in shell(COMMANDS[0], here)
    assert (here / "out/results.csv").exists()
    assert len(list((here / "out/crops").rglob("*.jpg"))) == 50


def test_it_crops_a_zip_of_your_own(here: Path) -> None:
    command = next(each for each in INLINE if "photos.zip" in each)
    assert "12 photos: 10 with a face" in shell(command, here)
    assert len(list((here / "faces/crops/photos").iterdir())) == 10


def test_it_crops_a_single_photo(here: Path) -> None:
    assert "astronaut.jpg\t1 face\t" in shell(COMMANDS[2], here)
    names = {path.name for path in (here / "faces").iterdir()}
    assert names == {"astronaut.jpg", "astronaut.drawn.jpg"}


@pytest.fixture
def service(here: Path) -> Iterator[Path]:
    """README's service, running in the folder."""
    if not is_free(8000):
        pytest.skip("README's port 8000 is taken on this machine")
    log = here / "up.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            ["bash", "-c", f"exec {COMMANDS[3]}"], cwd=here, stdout=output, stderr=output
        )
    deadline = time.monotonic() + 90
    while "ready" not in log.read_text():
        assert running.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    yield here
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 0
    assert (here / "data").is_dir()


def batch_of(command: str, here: Path, photos: int) -> str:
    """The batch that a README's upload opens."""
    answer = json.loads(shell(command, here))
    batch: str = answer["batchId"]
    assert answer == {
        "success": True,
        "batchId": batch,
        "imageCount": photos,
        "queued": photos,
    }
    return batch


def test_the_service_takes_photos_and_tells_how_far_they_are(service: Path) -> None:
    upload, form, body, images, status, cancel = COMMANDS[4:10]
    assert "12 photos" in shell(upload, service)
    batches = {batch_of(form, service, 12): 12, batch_of(body, service, 12): 12}
    batches[batch_of(images, service, 1)] = 1
    for batch, photos in batches.items():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            told = json.loads(shell(status, service, BATCH=batch)).get("batch", {})
            if told.get("status") == "completed":
                break
            time.sleep(0.2)
        assert told["progress"] == {"processed": photos, "total": photos, "failed": 0}
    assert json.loads(shell(cancel, service, BATCH=batch))["code"] == "batch_closed"
    watched = shell(COMMANDS[14], service, BATCH=batch)
    assert watched == f"batch {batch} is completed: 1 of 1 photo done, 0 of them failed\n"

    assert "workers\tok\t" in shell(COMMANDS[15], service)

    failed, faces, gently = COMMANDS[11:14]
    assert "dry run, nothing was begun: 0 batches" in shell(failed, service)
    assert f"{batch}: run 2 of 1 photo has ended" in shell(faces, service, BATCH=batch)
    said = shell(gently, service)
    assert f"{batch}: run 3 does 1 photo again" in said
    assert "in all: 4 batches, 37 photos, 0 failed" in said


def test_one_more_worker_joins_the_service(service: Path) -> None:
    if not is_free(6066):
        pytest.skip("the port of a worker is taken on this machine")
    command = next(each for each in INLINE if each.endswith(" worker"))
    address = re.search(r"^worker-1 +(\S+)$", (service / "up.log").read_text(), re.MULTILINE)
    assert address
    log = service / "more.log"
    with log.open("wb") as output:
        more = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=service, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + 90
        while True:
            told = httpx.get(f"{address[1]}/overview.json", timeout=20).json()
            joined = [each for each in told["workers"] if each["worker"] == "worker-0"]
            if joined and joined[0]["partitions"] and joined[0]["ready"]:
                break
            assert more.poll() is None, log.read_text()
            assert time.monotonic() < deadline, (told, log.read_text())
            time.sleep(0.2)
    finally:
        more.send_signal(signal.SIGINT)
        assert more.wait(60) == 0, log.read_text()


def test_the_settings_are_told(here: Path) -> None:
    assert "\nFACES\tone\tdefault\tone or all\t" in shell(COMMANDS[16], here)


def test_the_containers_named_are_in_the_compose_file() -> None:
    commands = [each for each in [*COMMANDS, *INLINE] if each.startswith("docker")]
    assert len(commands) == 4
    for command in commands:
        file = re.search(r"-f (\S+)", command)
        assert file
        services = yaml.safe_load((ROOT / file[1]).read_text())["services"]
        assert all(name in services for name in re.findall(r"(?:--scale|exec) (\w+)", command))
