"""``streamapp status``, ``priority`` and ``cancel``: a batch is watched and steered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from msgspec import structs

from connectors.objects.folder import FolderStore
from connectors.ports import free_ports
from streamapp.errors import Code, StreamappError
from streamapp.events import BatchCancelled, PriorityChanged
from streamapp.progress import Counts, RunStatus
from tests.e2e.installation import PHOTOS
from tests.e2e.terminal import on_terminal
from tests.e2e.test_cli import streamapp
from tests.e2e.test_fair_turns import tiny_photos
from tests.e2e.test_upload_http import zipped
from tests.e2e.test_ways_in import put, status_of
from tests.e2e.upload_service import Surroundings, eventually, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.installation import Installation

NOW = 1_700_000_000.0
UNKNOWN = "0" * 32


@pytest.fixture
def url(tmp_path: Path, around: Surroundings) -> Iterator[str]:
    store = FolderStore(tmp_path / "objects")
    store.prepare()
    with serving(make_app(store, around)) as url:
        yield url


@pytest.fixture
def batch(url: str) -> str:
    batch: str = put(url, zipped()).json()["batchId"]
    return batch


def test_a_status_is_a_sentence_and_one_for_each_run(
    url: str, batch: str, around: Surroundings
) -> None:
    first = RunStatus(run=1, status="completed", photos=2, processed=2, failed=1)
    again = RunStatus(
        run=2, status="processing", photos=1, processed=0, failed=0, settings={"FACES": "all"}
    )
    around.known[batch] = structs.replace(
        status_of(batch, "processing"),
        progress=Counts(processed=2, total=2, failed=1),
        image_count=2,
        skipped=1,
        run=2,
        runs=(first, again),
    )
    code, said, err = streamapp("status", batch, "--url", url)
    assert (code, err) == (0, "")
    assert said.splitlines() == [
        f"batch {batch} is processing: 2 of 2 photos done, 1 of them failed, 1 file skipped",
        "run 1 is completed: 2 of 2 photos done, 1 of them failed",
        "run 2 is processing: 0 of 1 photo done, 0 of them failed, FACES=all",
    ]
    code, said, _ = streamapp("status", batch, "--json", env=os.environ | {"UPLOADER_URL": url})
    api = httpx.get(f"{url}/api/batch/status/{batch}").json()["batch"]
    assert (code, json.loads(said)) == (0, api)


def test_a_batch_is_steered_and_its_log_says_so(url: str, batch: str, around: Surroundings) -> None:
    assert streamapp("priority", batch, 2, "--url", url) == (
        0,
        f"batch {batch} has priority 2 from now on\n",
        "",
    )
    code, said, _ = streamapp("cancel", batch, "--url", f"{url}/", "--json")
    assert (code, json.loads(said)) == (0, {"success": True, "batchId": batch})
    assert around.log == [
        PriorityChanged(batch=batch, project="p1", priority=2, changed_at=NOW),
        BatchCancelled(batch=batch, project="p1", cancelled_at=NOW),
    ]


@pytest.mark.parametrize("command", [["status"], ["status", "--watch"], ["cancel"], ["priority"]])
def test_a_batch_that_is_none_is_refused_with_its_code(url: str, command: list[str]) -> None:
    for name in (UNKNOWN, "../queue-stats", "x"):
        rest = [*command[1:], name, *([3] if command == ["priority"] else [])]
        code, said, err = streamapp(command[0], "--url", url, *rest)
        assert (code, said) == (1, "")
        assert err.startswith("streamapp: batch_unknown: There is no batch with this id.")


def test_a_batch_that_has_ended_is_not_steered(url: str, batch: str, around: Surroundings) -> None:
    around.known[batch] = status_of(batch, "completed")
    for command in (["cancel", batch], ["priority", batch, 1]):
        code, said, err = streamapp(*command, "--url", url)
        assert (code, said) == (1, "")
        assert err == "streamapp: batch_closed: The batch has ended.\n"
    assert around.log == []


@pytest.mark.parametrize("command", ["status", "cancel"])
def test_an_uploader_that_is_away_is_told_with_what_to_look_at(command: str) -> None:
    away = f"http://127.0.0.1:{free_ports(1)[0]}"
    code, said, err = streamapp(command, UNKNOWN, "--url", away)
    assert (code, said) == (1, "")
    assert err.startswith("streamapp: uploader_away: ")
    assert f"{away}: connection refused. Is it running (./ops/up)" in err


def test_watching_waits_for_whoever_knows_and_gives_up_after_its_patience(
    url: str, batch: str, around: Surroundings
) -> None:
    around.progress_fault = StreamappError(Code.PROGRESS_AWAY)
    code, said, err = streamapp("status", batch, "--watch", "--patience", 0.01, "--url", url)
    assert (code, said) == (1, "")
    assert "trying again after progress_away" in err
    assert "streamapp: progress_away: " in err


def test_watching_a_batch_that_is_cancelled_meanwhile_is_exit_code_1(
    url: str, batch: str, around: Surroundings
) -> None:
    around.known[batch] = status_of(batch, "processing")
    command = [sys.executable, "-m", "streamapp", "status", batch, "-w", "--json", "--url", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["status"] == "processing"
        around.known[batch] = status_of(batch, "cancelled")
        assert json.loads(process.stdout.readline())["status"] == "cancelled"
        assert process.stdout.read() == ""
        assert process.wait(30) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["status"], "BATCH"),
        (["priority", UNKNOWN, "11"], "PRIORITY"),
        (["cancel", UNKNOWN, "--url", "here"], "--url"),
    ],
)
def test_a_wrong_use_of_these_is_exit_code_2(arguments: list[str], named: str) -> None:
    code, said, err = streamapp(*arguments)
    assert (code, said) == (2, "")
    assert named in err


def test_a_batch_is_watched_to_its_end_by_a_person_and_by_a_program(
    installation: Installation, archive: Path
) -> None:
    batch = installation.upload(archive)["batchId"]
    url = installation.members.uploader.url
    code, seen = on_terminal("status", batch, "--watch", "--url", url)
    sentence = (
        f"batch {batch} is completed: {PHOTOS + 3} of {PHOTOS + 3} photos done, 3 of them failed"
    )
    assert code == 0
    assert f"Batch {batch}" in seen
    assert "100 %" in seen
    assert "\x1b[" in seen
    assert sentence in seen

    code, said, err = streamapp("status", batch, "--watch", "--url", url)
    assert (code, said) == (0, sentence + "\n")
    assert err == f"Batch {batch}: 100 %\n"


def test_a_batch_is_made_urgent_and_then_cancelled_while_it_is_watched(
    installation: Installation, tmp_path: Path
) -> None:
    batch = installation.upload(tiny_photos(tmp_path / "large.zip", 3000))["batchId"]
    url = installation.members.uploader.url
    watching = subprocess.Popen(
        [sys.executable, "-m", "streamapp", "status", batch, "-w", "--json", "--url", url],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert eventually(lambda: streamapp("priority", batch, 9, "--url", url)[0] == 0, 30)
    assert eventually(lambda: streamapp("cancel", batch, "--url", url)[0] == 0, 30)
    said, _ = watching.communicate(timeout=60)
    seen = [json.loads(line) for line in said.splitlines()]
    processed = [each["progress"]["processed"] for each in seen]
    assert watching.returncode == 1
    assert processed == sorted(processed)
    assert processed[-1] < 3000
    assert (seen[-1]["status"], seen[-1]["priority"]) == ("cancelled", 9)
