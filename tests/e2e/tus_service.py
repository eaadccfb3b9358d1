"""Around the tests of resumable uploads: an archive, a wire to cut, a replica to kill.

``python -m tests.e2e.tus_service PORT ENDPOINT ACCESS SECRET BUCKET`` is an uploader over MinIO.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
import uvicorn

from connectors.objects.minio import MinioStore
from connectors.ports import free_ports
from connectors.records.sqlite import SqliteRecords
from streamapp.upload.app import create_app
from streamapp.upload.batch_ids import ENTROPY_BYTES, batch_id
from streamapp.upload.reception import UploadLimits
from tests.archives import zipped
from tests.e2e.upload_service import ARCHIVE_LIMITS, MIB, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.fixtures_minio import MinioAccess


def archive_of(photos: int, photo_bytes: int = MIB) -> bytes:
    """A ZIP of photos of random bytes, stored, always the same one."""
    source = random.Random(photos)  # noqa: S311 - contents, not secrets
    contents = {f"{number}.jpg": source.randbytes(photo_bytes) for number in range(photos)}
    return zipped(contents, method=0)


class Wire:
    """A TCP way to ``127.0.0.1:port`` that counts what goes up and can be cut on the way.

    ``plan`` are pairs of a number of bytes and what to do when so many have gone up in all.
    """

    def __init__(self, port: int, plan: Sequence[tuple[int, Callable[[Wire], object]]]) -> None:
        self._port = port
        self._plan = list(plan)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.bytes_up = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Close every connection as a broken network does: with a reset."""
        with self._lock:
            sockets, self._open = self._open, []
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._port))
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._open += [client, server]
                for source, sink, up in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._pump, args=(source, sink, up), daemon=True
                    ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, up: bool) -> None:  # noqa: FBT001 - which way
        with closing(source), suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                if up:
                    self._count(len(data))
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _count(self, size: int) -> None:
        with self._lock:
            self.bytes_up += size
            due = [step for step in self._plan if step[0] <= self.bytes_up]
            self._plan = self._plan[len(due) :]
        for _, act in due:
            act(self)


class Replica:
    """An uploader in a process of its own, on a port that it keeps over kills."""

    def __init__(self, minio: MinioAccess, bucket: str) -> None:
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [
            sys.executable, "-m", "tests.e2e.tus_service", str(self.port), *minio, bucket,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._command)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/live").is_success:
                    return
            time.sleep(0.05)
        raise RuntimeError("the uploader did not start")

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        """Kill and start."""
        self.kill()
        self.start()


@contextmanager
def replica(minio: MinioAccess, bucket: str) -> Iterator[Replica]:
    """A running one, killed at the end."""
    running = Replica(minio, bucket)
    running.start()
    try:
        yield running
    finally:
        running.kill()


def main(port: str, endpoint: str, access_key: str, secret_key: str, bucket: str) -> None:
    around = Surroundings()
    app = create_app(
        objects=MinioStore(
            endpoint=endpoint, access_key=access_key, secret_key=secret_key, bucket=bucket
        ),
        records=SqliteRecords(Path(":memory:")),
        publisher=around,
        progress=around,
        load=around,
        replays=around,
        readiness=around,
        limits=UploadLimits(archive_bytes_max=1024 * MIB, archive=ARCHIVE_LIMITS),
        clock=time.time,
        new_batch_id=lambda: batch_id(now_s=time.time(), entropy=os.urandom(ENTROPY_BYTES)),
    )
    uvicorn.run(app, port=int(port), log_level="error")


if __name__ == "__main__":
    main(*sys.argv[1:])
