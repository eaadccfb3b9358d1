"""The build of MinIO, with a Go that only pretends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.services import go_tools, minio

ROOT = Path(__file__).parents[2]
BUILD = [sys.executable, "-m", "ops.services.minio"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An empty cache, and a folder for programs at the front of the PATH."""
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}


def write_go(folder: Path, script: str) -> None:
    (folder / "go").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "go").chmod(0o755)


def test_two_that_come_at_once_build_it_once(tmp_path: Path, env: dict[str, str]) -> None:
    write_go(tmp_path, f"echo built >>{tmp_path}/builds; sleep 1; touch $GOBIN/minio")
    builds = [
        subprocess.Popen(BUILD, cwd=ROOT, env=os.environ | env, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    told = {build.communicate()[0].decode().strip() for build in builds}
    assert told == {str(tmp_path / "cache/streamapp/bin/minio")}
    assert (tmp_path / "builds").read_text() == "built\n"


def test_a_build_that_hangs_is_given_up(
    tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_go(tmp_path, "exec sleep 60")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(go_tools, "BUILT_WITHIN_S", 0.3)
    with pytest.raises(RuntimeError, match="not done after"):
        minio.minio_binary()
    assert [path.suffix for path in (tmp_path / "cache/streamapp/bin").iterdir()] == [".lock"]
