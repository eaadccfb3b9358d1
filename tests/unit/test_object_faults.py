"""Answers that are no S3 answers, as a proxy or a store in trouble gives them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from connectors.objects.minio import MinioStore
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR = b"<Error><Code>InternalError</Code><Message>disk lost</Message></Error>"


class Proxy(HTTPServer):
    """Gives every request the same answer."""

    answer = (200, "text/plain", b"")

    @property
    def store(self) -> MinioStore:
        endpoint = f"127.0.0.1:{self.server_port}"
        return MinioStore(endpoint=endpoint, access_key="a", secret_key="b", bucket="bucket")


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status, content_type, body = self.server.answer
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((502, "text/html", b"<html>bad gateway"), "502.*bad gateway"),
        ((502, "application/xml", b"<html>bad gateway"), "no element found"),
        ((503, "application/xml", ERROR), "InternalError: disk lost"),
        ((404, "text/html", b"<html>no such site"), "404.*no such site"),
        ((418, "text/plain", b""), "418"),
    ],
)
def test_what_no_store_would_say_is_an_outage_and_is_told(
    proxy: Proxy, answer: tuple[int, str, bytes], told: str
) -> None:
    proxy.answer = answer
    for call in (
        lambda: proxy.store.put("a", b"x", "image/jpeg"),
        lambda: proxy.store.read("a", 0, 1),
        lambda: proxy.store.keys(""),
    ):
        with pytest.raises(StreamappError, match=told) as caught:
            call()
        assert caught.value.code is Code.STORE_AWAY


def test_an_error_under_status_200_is_an_error(proxy: Proxy) -> None:
    """S3 answers the end of a multipart upload before it knows how that ends."""
    proxy.answer = (200, "application/xml", b"   \n" + ERROR)
    with pytest.raises(StreamappError, match="disk lost"):
        proxy.store._uploads.finish("a", "upload", ["etag"])
