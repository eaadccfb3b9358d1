"""``streamapp replay``: what it chooses, counts and refuses."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from ops.sample.make import make_sample
from streamapp.wiring.stores import object_store
from tests.e2e.replaying import replay
from tests.e2e.test_cli import streamapp

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation

UNKNOWN = "0" * 32
PARTITIONS = 2


@pytest.fixture
def other_settings() -> dict[str, int]:
    return {"partitions": PARTITIONS}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Four photos, and one that is none."""
    path = tmp_path / "small.zip"
    make_sample(path, photos=4)
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("notes.txt", "no photo")
    return path


def finish(installation: Installation, archive: Path, project: str) -> str:
    batch: str = installation.upload(archive, projectId=project)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    return batch


def test_a_dry_run_counts_what_each_way_of_choosing_finds_and_begins_nothing(
    installation: Installation, small: Path
) -> None:
    first, second, third = [finish(installation, small, name) for name in ("p", "q", "p")]

    def counted(*choice: object) -> dict[str, tuple[int, int, int]]:
        told = replay(installation, *choice, "--dry-run", "--json")
        assert told.code == 0, told.err
        return {
            line["batchId"]: (line["run"], line["photos"], line["failedBefore"])
            for line in told.lines
        }

    whole = (0, 5, 1)
    assert counted(first, second) == {first: whole, second: whole}
    assert counted("--project", "p", "--failed") == {first: (0, 1, 1), third: (0, 1, 1)}
    assert counted("--since", "1h") == {first: whole, second: whole, third: whole}
    assert counted("--since", "2020-01-01", "--until", "2020-01-02") == {}
    assert counted("--since-offset", "0") == {first: whole, second: whole, third: whole}
    in_one = [counted("--since-offset", f"{partition}:0") for partition in range(PARTITIONS)]
    assert sorted(batch for found in in_one for batch in found) == sorted([first, second, third])

    told = replay(installation, "--project", "p", "--dry-run")
    assert told.out.splitlines() == [
        f"{first}: 5 photos, 1 failed",
        f"{third}: 5 photos, 1 failed",
        "dry run, nothing was begun: 2 batches, 10 photos, 2 failed",
    ]
    assert object_store(installation.settings).keys("runs/") == []


def test_what_cannot_be_replayed_is_refused_when_named_and_told_else(
    installation: Installation, small: Path
) -> None:
    batch = finish(installation, small, "p")
    names = (UNKNOWN, "../" + batch)
    told = replay(installation, *names, batch, "--dry-run")
    assert told.code == 1
    for name, line in zip(names, told.err.splitlines(), strict=True):
        assert line.startswith(f"streamapp: {name}: batch_unknown: ")
    assert f"{batch}: 5 photos" in told.out, "the others go on"

    other = finish(installation, small, "p")
    store = object_store(installation.settings)
    [archive] = [key for key in store.keys("archives/") if key.startswith(f"archives/{batch}")]
    store.delete(archive)
    told = replay(installation, "--project", "p", "--dry-run", "--json")
    assert told.code == 1
    assert re.match(rf"streamapp: {batch}: object_missing: .*{archive}", told.err)
    assert [line["batchId"] for line in told.lines] == [other]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "either"),
        ([UNKNOWN, "--project", "p"], "either"),
        (["--since", "yesterday"], "--since"),
        ([UNKNOWN, "--set", "FACES"], "--set"),
        ([UNKNOWN, "--rate", "-1"], "--rate"),
        ([UNKNOWN, "--rate", "nan"], "--rate"),
        ([UNKNOWN, "--rate", "inf"], "--rate"),
        ([UNKNOWN, "--priority", "11"], "--priority"),
    ],
)
def test_a_wrong_usage_is_exit_code_2(arguments: list[str], named: str, tmp_path: Path) -> None:
    told = streamapp("replay", *arguments, "--data", tmp_path)
    assert told[0] == 2
    assert named in told[2]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("FACES=some", "FACES: "),
        ("OBJECTS_SECRET_KEY=x", "OBJECTS_SECRET_KEY: not a run's to change"),
        ("PHOTO_TIME_LIMIT_S=9", "PHOTO_TIME_LIMIT_S: not a run's to change"),
    ],
)
def test_a_setting_that_is_not_vision_s_or_not_allowed_is_refused(
    change: str, named: str, tmp_path: Path
) -> None:
    code, _, err = streamapp("replay", UNKNOWN, "--set", change, "--data", tmp_path)
    assert code == 1
    assert err.startswith("streamapp: setting_invalid: ")
    assert named in err
