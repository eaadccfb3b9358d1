"""A put of a new object whose answer is late, lost or a conflict; the store is a script."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from connectors.objects.minio import MinioStore
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOST = 0
OURS, THEIRS = b"ours", b"theirs"


@contextmanager
def store_that_answers(script: list[int], there: bytes = THEIRS) -> Iterator[MinioStore]:
    """Answers to puts by ``script``; whoever gets finds ``there``."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            assert self.headers["If-None-Match"] == "*"
            self.rfile.read(int(self.headers["Content-Length"]))
            if (status := script.pop(0)) == LOST:
                self.close_connection = True
                return
            self._answer(status, b"" if status == 200 else b"<Error><Code>C</Code></Error>")

        def do_GET(self) -> None:
            self._answer(200, there)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            endpoint = f"127.0.0.1:{server.server_port}"
            yield MinioStore(endpoint=endpoint, access_key="a", secret_key="b", bucket="bucket")
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("script", "there", "won"),
    [
        ([200], THEIRS, True),
        ([412], THEIRS, False),
        ([412], OURS, False),  # not retried: another's, though alike
        ([409, 409, 200], THEIRS, True),
        ([409, 412], THEIRS, False),
        ([LOST, 412], OURS, True),
        ([LOST, 412], THEIRS, False),
        ([LOST, 200], THEIRS, True),
        ([503, 412], OURS, True),
    ],
)
def test_whose_object_it_is_is_told_rightly(script: list[int], there: bytes, won: bool) -> None:  # noqa: FBT001 - a column
    with store_that_answers(script, there) as store:
        assert store.put_new("key", OURS, "text/plain") is won
    assert script == []


def test_a_conflict_without_end_is_an_outage() -> None:
    with store_that_answers([409] * 20) as store, pytest.raises(StreamappError) as caught:
        store.put_new("key", OURS, "text/plain")
    assert caught.value.code is Code.STORE_AWAY
