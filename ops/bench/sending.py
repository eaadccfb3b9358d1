"""Uploads of the ingest benchmark: a bare client that costs next to nothing itself."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

PATH = "/api/batch/archives/{name}?projectId={project}"
ANSWER_S = 600.0


class Upload(NamedTuple):
    """What came of an upload: seconds in all, when its last byte was sent, and its batch."""

    wall_s: float
    last_byte_at: float
    batch: str


def send(url: str, archive: Path, project: str = "bench") -> Upload:
    """Upload an archive as a body, from the file to the socket by the kernel."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_S)
    began = time.perf_counter()
    connection.putrequest("PUT", PATH.format(name=archive.name, project=project))
    connection.putheader("Content-Length", str(archive.stat().st_size))
    connection.endheaders()
    with archive.open("rb") as file:
        connection.sock.sendfile(file)
    last_byte_at = time.perf_counter()
    with connection.getresponse() as answer:
        content = json.load(answer)
    connection.close()
    if not content["success"]:
        raise RuntimeError(f"{archive} was refused: {content}")
    return Upload(time.perf_counter() - began, last_byte_at, content["batchId"])


class Trickle(threading.Thread):
    """A slow-loris: a client that sends a byte now and then, until it is cut off."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port))
        self._socket.settimeout(1)
        self.answer = b""

    def run(self) -> None:
        """Trickle."""
        head = f"PUT {PATH.format(name='slow.zip', project='slow')} HTTP/1.1\r\nHost: x\r\n"
        self._socket.sendall(head.encode() + b"Content-Length: 1000000\r\n\r\n")
        with self._socket:
            while not self.answer:
                try:
                    self.answer = self._socket.recv(4096)
                except TimeoutError:
                    self._socket.sendall(b"x")
                except OSError:
                    return
