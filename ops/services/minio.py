"""A private MinIO server for tests and benchmarks, on free loopback ports.

The server dies with the process that started it, also when that one is killed. The project's
repository is archived, so the version is pinned to its last one.
"""

from __future__ import annotations

import http.client
import os
import secrets
import time
from pathlib import Path
from typing import Self

from connectors.daemon import Daemon
from connectors.ports import free_ports
from ops.services.go_tools import go_binary

MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
MC_VERSION = "v0.0.0-20250313080218-cf909e1063a9"
READY_WITHIN_S = 30
STOPPED_WITHIN_S = 5


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
    """The server's binary in the user's cache folder, built on first use (about 2 minutes)."""
    return go_binary("minio", f"github.com/minio/minio@{MINIO_VERSION}")


def mc_binary() -> Path:
    """MinIO's own client, likewise."""
    return go_binary("mc", f"github.com/minio/mc@{MC_VERSION}")


if __name__ == "__main__":
    print(minio_binary())
