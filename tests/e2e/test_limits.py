"""The limits of an upload over HTTP: each holds at its value and refuses what is past it."""

from __future__ import annotations

import io
import os
import socket
import time
import zipfile
from base64 import b64encode
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpx

from streamapp.errors import Code
from streamapp.keys import project_prefix
from streamapp.upload.header_limit import impatient
from tests.e2e.test_upload_http import half_sent, left, post, refused, zipped
from tests.e2e.test_upload_http import part as form_part
from tests.e2e.test_ways_in import IMPORT, put
from tests.e2e.upload_service import MIB, Surroundings, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.folder import FolderStore

HEADER_TIMEOUT_S = 0.5
TUS = {"Tus-Resumable": "1.0.0"}
NOW = 1_700_000_000.0


def archive_of(size: int) -> bytes:
    """A ZIP of exactly ``size`` bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("1.jpg", os.urandom(size - 108))
    assert len(file.getvalue()) == size
    return file.getvalue()


def marks(store: FolderStore, project: str = "p1") -> list[str]:
    return store.keys(project_prefix(project))


# Bytes and places.


def test_an_archive_may_have_so_many_bytes(store: FolderStore, around: Surroundings) -> None:
    with serving(make_app(store, around, archive_bytes_max=MIB)) as url:
        assert put(url, archive_of(MIB)).status_code == 200
        refused(put(url, archive_of(MIB + 1)), Code.ARCHIVE_TOO_LARGE)
    assert len(left(store)) == 2


def test_so_many_uploads_may_run_at_once(store: FolderStore, around: Surroundings) -> None:
    with serving(make_app(store, around, uploads_max=2)) as url:
        with half_sent(url):
            assert put(url, zipped()).status_code == 200
            with half_sent(url):
                time.sleep(0.3)  # both are in
                busy = put(url, zipped())
        refused(busy, Code.UPLOADS_BUSY)
        assert int(busy.headers["Retry-After"]) > 0


# The quota of a project.


def test_the_archives_of_a_project_may_have_so_many_bytes(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around, project_archive_bytes_max=3000)) as url:
        assert put(url, archive_of(1000)).status_code == 200
        assert put(url, archive_of(2000)).status_code == 200
        before = left(store)
        problem = refused(put(url, archive_of(200)), Code.PROJECT_QUOTA)
        assert problem["detail"] == "3200 bytes with this one, 3000 are allowed"
        assert left(store) == before, "a refused archive leaves nothing"
        assert put(url, archive_of(3000), projectId="p2").status_code == 200
    assert sorted(mark.rpartition(".")[2] for mark in marks(store)) == ["1000", "2000"]


def test_a_form_of_unknown_size_obeys_the_quota_too(
    store: FolderStore, around: Surroundings
) -> None:
    project = form_part("projectId", b"p1")
    with serving(make_app(store, around, project_archive_bytes_max=1000)) as url:
        refused(post(url, form_part("file", archive_of(1001)), project), Code.PROJECT_QUOTA)
        assert left(store) == []
        assert post(url, form_part("file", archive_of(1000)), project).status_code == 200


def test_a_full_project_is_told_before_its_photos_are_read(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around, project_archive_bytes_max=1000)) as url:
        put(url, archive_of(1000))
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), 10) as client:
            head = "PUT /api/batch/archives/a.zip?projectId=p1 HTTP/1.1\r\nHost: x\r\n"
            head += "Expect: 100-continue\r\nContent-Length: 5000000\r\n\r\n"
            client.sendall(head.encode())
            assert client.recv(4096).startswith(b"HTTP/1.1 403")


def test_what_was_taken_in_before_is_not_refused_by_the_quota_it_fills(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around, project_archive_bytes_max=2000)) as url:
        first = put(url, archive_of(1000), "k1").json()["batchId"]
        assert put(url, archive_of(1000), "k2", batchId=first).status_code == 200
        for key, fields in (("k1", {}), ("k2", {"batchId": first})):
            again = put(url, archive_of(1000), key, **fields)
            assert (again.status_code, again.json()["batchId"]) == (200, first)
    assert len(marks(store)) == 2


def test_what_is_only_borrowed_counts_for_no_quota(
    store: FolderStore, around: Surroundings
) -> None:
    store.put("deliveries/may.zip", archive_of(5000), "application/zip")
    with serving(make_app(store, around, project_archive_bytes_max=1000)) as url:
        put(url, archive_of(1000))
        imported = httpx.post(url + IMPORT, json={"key": "deliveries/may.zip", "projectId": "p1"})
        assert imported.status_code == 200
    assert len(marks(store)) == 1


def test_without_a_quota_nothing_is_marked(store: FolderStore, around: Surroundings) -> None:
    with serving(make_app(store, around)) as url:
        put(url, zipped())
    assert marks(store) == []


# The headers of a request.


def trickle(client: socket.socket, pause_s: float, seconds: float) -> bytes | None:
    """Send a header byte by byte; what came when the other side closed, None when it did not."""
    client.settimeout(pause_s)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            client.send(b"x")
            return client.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            return b""
    return None


def test_headers_that_trickle_are_cut_off(store: FolderStore, around: Surroundings) -> None:
    protocol = impatient(HEADER_TIMEOUT_S)
    with serving(make_app(store, around), http=protocol) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), 10) as client:
            client.sendall(b"GET /live HTTP/1.1\r\nX-Slow: ")
            began = time.monotonic()
            assert trickle(client, 0.05, 10) == b""
            assert time.monotonic() - began >= HEADER_TIMEOUT_S - 0.1


def test_headers_of_a_second_request_are_cut_off_too(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around), http=impatient(HEADER_TIMEOUT_S)) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), 10) as client:
            client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += client.recv(4096)
            client.sendall(b"GET /live HTTP/1.1\r\nX-Slow: ")
            assert trickle(client, 0.05, 10) == b""


def test_a_body_may_take_longer_than_headers(store: FolderStore, around: Surroundings) -> None:
    data = zipped()

    def slowly() -> Iterator[bytes]:
        for at in range(0, len(data), 1000):
            time.sleep(HEADER_TIMEOUT_S / 2)
            yield data[at : at + 1000]

    with serving(make_app(store, around), http=impatient(HEADER_TIMEOUT_S)) as url:
        answer = httpx.put(
            f"{url}/api/batch/archives/a.zip", params={"projectId": "p1"}, content=slowly()
        )
    assert answer.status_code == 200


def test_each_request_of_a_connection_has_its_own_time(
    store: FolderStore, around: Surroundings
) -> None:
    with (
        serving(make_app(store, around), http=impatient(HEADER_TIMEOUT_S)) as url,
        httpx.Client(base_url=url) as client,
    ):
        for _ in range(4):
            assert client.get("/live").status_code == 200
            time.sleep(HEADER_TIMEOUT_S * 0.6)


# The quota and the time of resumable uploads.


def creation(url: str, length: int, key: str = "", **values: str) -> httpx.Response:
    told = {"projectId": "p1"} | values
    metadata = ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in told.items())
    headers = {"Upload-Length": str(length), "Upload-Metadata": metadata, "Idempotency-Key": key}
    return httpx.post(f"{url}/api/batch/uploads", headers=TUS | headers)


def test_a_resumable_upload_is_told_of_the_quota_at_its_creation(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around, project_archive_bytes_max=1000)) as url:
        assert creation(url, 1000).status_code == 201
        assert creation(url, 1001).status_code == Code.PROJECT_QUOTA.status


def test_a_part_that_joined_before_is_complete_when_it_is_created_again(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around)) as url:
        batch = put(url, archive_of(1000)).json()["batchId"]
        put(url, archive_of(2000), "k1", batchId=batch)
        answer = creation(url, 2000, "k1", batchId=batch)
        assert answer.status_code == 201
        again = httpx.head(urljoin(str(answer.url), answer.headers["Location"]), headers=TUS)
        assert (again.headers["Upload-Offset"], again.headers["Upload-Length"]) == ("2000", "2000")


def test_a_resumable_upload_may_take_so_long(store: FolderStore, around: Surroundings) -> None:
    with serving(make_app(store, around, resumable_expires_s=7200)) as url:
        expires = parsedate_to_datetime(creation(url, 1000).headers["Upload-Expires"])
    assert expires.timestamp() == NOW + 7200
