"""A fresh clone on a machine whose user has nothing yet: the first command, and again offline."""

from __future__ import annotations

import csv
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NO_NETWORK = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:1"
)
"""Whatever would be fetched meets a proxy that is not there; loopback goes past it."""


def run_sample(clone: Path, home: Path, **env: str) -> str:
    done = subprocess.run(
        ["./ops/run"],
        cwd=clone,
        env=os.environ | {"HOME": str(home), "XDG_CACHE_HOME": ""} | env,
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_the_first_command_sets_everything_up_and_the_second_time_fetches_nothing(
    tmp_path: Path,
) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout that could be cloned")
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "-q", f"file://{ROOT}", str(clone)], check=True)

    assert "60 photos: 50 with a face, 10 without, 0 failed" in run_sample(clone, home)
    with (clone / "out/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = {f"{row['photo']}": row["photo"].startswith("people/") for row in rows}
    assert len(expected) == 60
    assert {row["photo"]: row["face"] == "yes" for row in rows} == expected
    assert {(clone / "out" / row["crop"]).is_file() for row in rows if row["crop"]} == {True}

    offline = {**NO_NETWORK, "no_proxy": "127.0.0.1,localhost", "UV_OFFLINE": "1"}
    assert "60 photos: 50 with a face" in run_sample(clone, home, **offline)
