from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from connectors.objects.folder import FolderStore
from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.events import decode_archive
from tests.e2e.upload_service import MIB, Surroundings, eventually, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.interface import Source

UPLOAD = "/api/batch/upload-zip"
STATUS = "/api/batch/status/"
BOUNDARY = "------------------------a-boundary"
MULTIPART = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def zipped(names: tuple[str, ...] = ("1.jpg", "2.jpg"), size: int = 2000) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, os.urandom(size))
    return file.getvalue()


def part(name: str, value: bytes, file_name: str | None = None) -> bytes:
    file = f'; filename="{file_name}"' if file_name else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(url: str, *parts: bytes) -> httpx.Response:
    return httpx.post(url + UPLOAD, content=body(*parts), headers=MULTIPART)


PROJECT = part("projectId", b"p1")


@pytest.fixture
def url(store: FolderStore, around: Surroundings) -> Iterator[str]:
    with serving(make_app(store, around, archive_bytes_max=4 * MIB)) as url:
        yield url


@contextmanager
def half_sent(url: str) -> Iterator[socket.socket]:
    """A client that has sent the first half of an upload and no more."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 10) as client:
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n"
        head += f"Content-Type: {MULTIPART['content-type']}\r\n\r\n"
        client.sendall(head.encode() + PROJECT + part("file", bytes(1_500_000))[:-2])
        yield client


def refused(answer: httpx.Response, code: Code) -> dict[str, object]:
    """The problem of an answer that must be a refusal with ``code``."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        code.status,
        "application/problem+json",
    ), answer.text
    problem: dict[str, object] = answer.json()
    assert problem["type"] == f"urn:streamapp:error:{code.code}"
    assert (problem["code"], problem["status"], problem["success"]) == (
        code.code,
        code.status,
        False,
    )
    assert problem["title"] == code.sentence
    return problem


def left(store: FolderStore) -> list[str]:
    """Objects and unfinished files of the store."""
    incoming = store._root / ".incoming"
    return [*store.keys(""), *(path.name for path in incoming.iterdir())]


# Accepted.


@pytest.mark.parametrize("file_first", [True, False])
def test_fields_may_come_before_or_after_the_file(
    url: str, store: FolderStore, around: Surroundings, *, file_first: bool
) -> None:
    data = zipped(("a/1.jpg", "2.png", "notes/"))
    parts = [part("file", data, "holiday.zip"), PROJECT, part("priority", b"9")]

    answer = post(url, *(parts if file_first else parts[::-1]))

    (event,) = around.published
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "batchId": event.batch,
        "imageCount": 2,
        "queued": 2,
    }
    assert (event.project, event.priority, event.name) == ("p1", 9, "holiday.zip")
    assert (event.photos, event.archive_bytes) == (2, len(data))
    assert store.read(event.archive, 0, len(data) + 1) == data


def test_the_manifest_of_the_batch_is_the_published_event(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    post(url, PROJECT, part("file", zipped(), "a.zip"))

    (event,) = around.published
    archive, manifest = f"archives/{event.batch}.zip", f"batches/{event.batch}/0000.json"
    assert store.keys("") == [archive, manifest]
    assert decode_archive(store.read(manifest, 0, 10_000)) == event


def test_priority_is_five_when_it_is_not_given(url: str, around: Surroundings) -> None:
    post(url, PROJECT, part("file", zipped(), "a.zip"))
    assert around.published[0].priority == 5


def test_a_chunked_body_is_taken(url: str, around: Surroundings) -> None:
    data = body(part("file", zipped(size=300_000), "a.zip"), PROJECT)
    pieces = (data[at : at + 7001] for at in range(0, len(data), 7001))

    answer = httpx.post(url + UPLOAD, content=pieces, headers=MULTIPART)

    assert answer.status_code == 200
    assert len(around.published) == 1


def test_httpx_and_curl_forms_are_taken(url: str, tmp_path: Path, around: Surroundings) -> None:
    file = tmp_path / "Fotos süß.zip"
    file.write_bytes(zipped(size=600_000))
    form = ("-F", f"file=@{file}", "-F", "projectId=p1", "-F", "priority=1")

    curl = subprocess.run(["curl", "-sS", *form, url + UPLOAD], capture_output=True, check=True)
    with file.open("rb") as opened:
        answer = httpx.post(url + UPLOAD, files={"file": opened}, data={"projectId": "p1"})

    assert json.loads(curl.stdout)["imageCount"] == 2
    assert answer.json()["imageCount"] == 2
    assert [event.name for event in around.published] == [file.name, file.name]


def test_four_uploads_at_once_are_kept_apart(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    archives = [zipped(size=700_000) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda data: post(url, PROJECT, part("file", data)), archives))

    stored = {event.batch: store.read(event.archive, 0, 4 * MIB) for event in around.published}
    assert [stored[answer.json()["batchId"]] for answer in answers] == archives


def test_a_path_of_a_proxy_goes_before_every_address(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around), root_path="/faces") as url:
        assert post(url, PROJECT, part("file", zipped())).status_code == 200


# Refused, and nothing left behind.

ARCHIVE = part("file", zipped(), "a.zip")
BAD_INPUT = {
    "no ZIP": ([PROJECT, part("file", b"not a zip" * 99, "a.zip")], Code.ARCHIVE_NOT_ZIP),
    "an empty file": ([PROJECT, part("file", b"", "a.zip")], Code.ARCHIVE_NOT_ZIP),
    "an empty ZIP": ([PROJECT, part("file", zipped(()), "a.zip")], Code.ARCHIVE_EMPTY),
    "no photos": ([PROJECT, part("file", zipped(("__MACOSX/x",)))], Code.ARCHIVE_NO_PHOTOS),
    "too large": ([PROJECT, part("file", bytes(4 * MIB + 1))], Code.ARCHIVE_TOO_LARGE),
    "no file": ([PROJECT], Code.FIELD_MISSING),
    "no project": ([ARCHIVE], Code.FIELD_MISSING),
    "nothing": ([], Code.FIELD_MISSING),
    "two files": ([PROJECT, ARCHIVE, ARCHIVE], Code.FIELD_INVALID),
    "two projects": ([PROJECT, ARCHIVE, PROJECT], Code.FIELD_INVALID),
    "empty project": ([ARCHIVE, part("projectId", b"")], Code.FIELD_INVALID),
    "long project": ([ARCHIVE, part("projectId", b"x" * 129)], Code.FIELD_INVALID),
    "control character": ([ARCHIVE, part("projectId", b"a\x00b")], Code.FIELD_INVALID),
    "not UTF-8": ([ARCHIVE, part("projectId", b"\xff")], Code.FIELD_INVALID),
    "priority 0": ([ARCHIVE, PROJECT, part("priority", b"0")], Code.FIELD_INVALID),
    "priority 11": ([ARCHIVE, PROJECT, part("priority", b"11")], Code.FIELD_INVALID),
    "priority high": ([ARCHIVE, PROJECT, part("priority", b"high")], Code.FIELD_INVALID),
    "huge field": ([ARCHIVE, part("other", bytes(5000)), PROJECT], Code.FIELD_INVALID),
    "many parts": (
        [ARCHIVE, PROJECT, *(part(f"f{n}", b"") for n in range(15))],
        Code.FIELD_INVALID,
    ),
    "huge header": ([ARCHIVE, part("n" * 9000, b""), PROJECT], Code.FIELD_INVALID),
}


@pytest.mark.parametrize(("parts", "code"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_and_leaves_nothing(
    url: str, store: FolderStore, around: Surroundings, parts: list[bytes], code: Code
) -> None:
    refused(post(url, *parts), code)
    assert left(store) == []
    assert around.published == []


def test_an_archive_at_the_limit_is_judged_not_refused_for_its_size(url: str) -> None:
    refused(post(url, PROJECT, part("file", bytes(4 * MIB))), Code.ARCHIVE_NOT_ZIP)


def test_a_wrong_field_is_answered_with_what_is_allowed(url: str) -> None:
    problem = refused(post(url, part("priority", b"11")), Code.FIELD_INVALID)
    assert problem["detail"] == "priority must be a whole number from 1 to 10"


def test_a_body_that_is_not_multipart_is_refused(url: str, store: FolderStore) -> None:
    refused(httpx.post(url + UPLOAD, json={"file": "x"}), Code.BODY_NOT_MULTIPART)
    refused(httpx.post(url + UPLOAD, content=zipped()), Code.BODY_NOT_MULTIPART)
    no_boundary = {"content-type": "multipart/form-data"}
    refused(
        httpx.post(url + UPLOAD, content=body(PROJECT), headers=no_boundary),
        Code.BODY_NOT_MULTIPART,
    )
    assert left(store) == []


@pytest.mark.parametrize("cut", [30, 200, 3000])
def test_a_cut_form_is_refused_and_leaves_nothing(url: str, store: FolderStore, cut: int) -> None:
    whole = body(PROJECT, part("file", zipped(), "a.zip"))
    refused(httpx.post(url + UPLOAD, content=whole[:-cut], headers=MULTIPART), Code.BODY_BROKEN)
    assert left(store) == []


def test_a_client_that_goes_away_in_mid_upload_leaves_nothing(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    with half_sent(url):
        assert eventually(lambda: left(store) != [])

    assert eventually(lambda: left(store) == [])
    assert around.published == []


def test_a_refusal_reaches_a_client_that_is_still_sending(url: str, tmp_path: Path) -> None:
    file = tmp_path / "large.zip"
    with file.open("wb") as sparse:
        sparse.truncate(64 * MIB)
    form = ("-F", "projectId=p1", "-F", "priority=99", "-F", f"file=@{file}")
    for expect in ("Expect: 100-continue", "Expect:"):
        curl = ("curl", "-sS", "-H", expect, *form, url + UPLOAD)
        curled = subprocess.run(curl, capture_output=True, check=True)
        assert json.loads(curled.stdout)["code"] == "archive_too_large"


def test_a_client_that_only_listens_after_sending_sees_the_refusal(url: str) -> None:
    pieces = [part("priority", b"99") + part("file", b"", "a.zip")[:-2], *[bytes(MIB)] * 64]
    headers = MULTIPART | {"Content-Length": str(sum(map(len, pieces)))}
    for path, status in ((UPLOAD, 413), ("/nothing", 404)):
        client = HTTPConnection(urlsplit(url).netloc, timeout=10)
        client.request("POST", path, iter(pieces), headers)
        with client.getresponse() as answer:
            assert answer.status == status
        client.close()


# The services around.


class BrittleStore(FolderStore):
    """A store that goes away after the first MiB of an upload."""

    def put_stream(self, key: str, source: Source, content_type: str) -> int:
        assert source.readinto(memoryview(bytearray(MIB))), (key, content_type)
        raise StreamappError(Code.STORE_AWAY, "secret.host:9000 refused")


def test_a_store_that_goes_away_in_mid_upload_is_503_at_once(
    tmp_path: Path, around: Surroundings
) -> None:
    with serving(make_app(BrittleStore(tmp_path), around)) as url:
        answer = post(url, PROJECT, part("file", bytes(64 * MIB)))
    refused(answer, Code.STORE_AWAY)
    assert int(answer.headers["retry-after"]) > 0
    assert "secret" not in answer.text


def test_a_store_that_is_away_is_503(tmp_path: Path, around: Surroundings) -> None:
    (tmp_path / "in-the-way").write_bytes(b"")
    with serving(make_app(FolderStore(tmp_path / "in-the-way"), around)) as url:
        refused(post(url, PROJECT, part("file", zipped())), Code.STORE_AWAY)
        refused(httpx.get(f"{url}{STATUS}{'0' * 32}"), Code.STORE_AWAY)


@pytest.mark.parametrize("fault", [StreamappError(Code.KAFKA_AWAY), ZeroDivisionError()])
def test_what_cannot_be_published_is_taken_in_and_kept_for_later(
    url: str, store: FolderStore, around: Surroundings, fault: Exception
) -> None:
    around.kafka_fault = fault
    answer = post(url, PROJECT, ARCHIVE)
    batch = answer.json()["batchId"]
    assert (answer.status_code, around.published) == (200, [])
    assert left(store) == [
        f"archives/{batch}.zip",
        f"batches/{batch}/0000.json",
        f"incoming/{batch}.json",
    ]
    assert httpx.get(url + STATUS + batch).json()["batch"]["status"] == "queued"


def test_an_unexpected_fault_is_logged_and_not_told(
    url: str, store: FolderStore, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    around.progress_fault = ZeroDivisionError("secret")
    answer = httpx.get(url + STATUS + "0" * 32)
    refused(answer, Code.INTERNAL)
    assert "secret" not in answer.text
    assert "ZeroDivisionError: secret" in caplog.text
    assert left(store) == []


def test_a_shutdown_in_mid_upload_leaves_nothing(store: FolderStore, around: Surroundings) -> None:
    with ExitStack() as client:
        with serving(make_app(store, around)) as url:
            client.enter_context(half_sent(url))
            assert eventually(lambda: left(store) != [])
        assert left(store) == []


def test_a_silent_client_is_given_up_and_leaves_nothing(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around, client_idle_s=0.3)) as url, half_sent(url) as client:
        answer = b""
        while b"}" not in answer:
            answer += client.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"nothing came for 0.3 s" in answer
    assert left(store) == []


def test_a_client_that_trickles_is_given_up_and_leaves_nothing(
    store: FolderStore, around: Surroundings
) -> None:
    with serving(make_app(store, around, client_window_s=0.5)) as url, half_sent(url) as client:
        client.settimeout(0.05)
        answer = b""
        deadline = time.monotonic() + 10
        while b"}" not in answer and time.monotonic() < deadline:
            with suppress(TimeoutError):
                answer += client.recv(65_536)
            if not answer:
                client.sendall(b"x")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body_too_slow" in answer
    assert left(store) == []


def test_more_uploads_than_allowed_are_503(store: FolderStore, around: Surroundings) -> None:
    with serving(make_app(store, around, uploads_max=1)) as url:
        with half_sent(url):
            assert eventually(lambda: left(store) != [])
            refused(post(url, PROJECT, ARCHIVE), Code.UPLOADS_BUSY)
        assert eventually(lambda: post(url, PROJECT, ARCHIVE).status_code == 200)


# Status, live, ready.


def test_the_owner_answers_for_a_batch(url: str, around: Surroundings) -> None:
    batch = "0" * 32
    around.known[batch] = progress.Status(
        batch_id=batch,
        status="processing",
        image_count=10,
        progress=progress.Counts(processed=4, total=10, failed=1),
        progress_percent=40,
    )
    answer = httpx.get(url + STATUS + batch)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "success": True,
        "batch": {
            "batchId": batch,
            "status": "processing",
            "imageCount": 10,
            "progress": {"processed": 4, "total": 10, "failed": 1},
            "progressPercent": 40,
        },
    }


def test_a_batch_that_no_worker_has_opened_is_queued(url: str) -> None:
    batch = post(url, PROJECT, ARCHIVE).json()["batchId"]
    assert httpx.get(url + STATUS + batch).json()["batch"] == {
        "batchId": batch,
        "status": "queued",
        "imageCount": 2,
        "progress": {"processed": 0, "total": 2, "failed": 0},
        "progressPercent": 0,
        "priority": 5,
    }


@pytest.mark.parametrize("batch", ["f" * 32, "x", "..%2f..%2fetc", "F" * 32])
def test_an_unknown_batch_is_404(url: str, batch: str) -> None:
    assert httpx.get(url + STATUS + batch).json()["success"] is False
    assert httpx.get(url + STATUS + batch).status_code == 404


def test_what_cannot_be_a_batch_id_is_never_looked_up(url: str, around: Surroundings) -> None:
    around.progress_fault = StreamappError(Code.PROGRESS_AWAY)
    refused(httpx.get(url + STATUS + "f" * 31), Code.BATCH_UNKNOWN)


def test_an_owner_in_transition_is_503(url: str, around: Surroundings) -> None:
    around.progress_fault = StreamappError(Code.PROGRESS_AWAY)
    refused(httpx.get(url + STATUS + "f" * 32), Code.PROGRESS_AWAY)


def test_unknown_addresses_and_methods_are_problems_too(url: str) -> None:
    refused(httpx.get(url + "/nothing"), Code.ROUTE_UNKNOWN)
    refused(httpx.post(url + UPLOAD + "/", content=body(PROJECT)), Code.ROUTE_UNKNOWN)
    wrong = httpx.get(url + UPLOAD)
    refused(wrong, Code.METHOD_NOT_ALLOWED)
    assert wrong.headers["allow"] == "POST"
    assert "connection" not in wrong.headers


def test_ready_names_the_service_that_is_away(url: str, around: Surroundings) -> None:
    assert httpx.get(url + "/live").status_code == 200
    assert httpx.get(url + "/ready").status_code == 200
    around.services["kafka"] = "Kafka does not answer."
    answer = httpx.get(url + "/ready")
    assert answer.status_code == 503
    assert answer.json() == {"success": False, "services": around.services}
    assert httpx.get(url + "/live").status_code == 200


# Flat.


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.e2e.upload_service", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin
        assert server.stdout
        url = server.stdout.readline().decode().strip()
        process = psutil.Process(server.pid)
        peaks = []
        for mebibytes in (16, 300):
            peak = 0

            def pieces(mebibytes: int = mebibytes) -> Iterator[bytes]:
                nonlocal peak
                yield PROJECT + part("file", b"", "a.zip")[:-2]
                for _ in range(mebibytes):
                    yield bytes(MIB)
                    peak = max(peak, process.memory_info().rss)
                yield b"\r\n" + body()

            answer = httpx.post(url + UPLOAD, content=pieces(), headers=MULTIPART, timeout=60)
            refused(answer, Code.ARCHIVE_NOT_ZIP)
            peaks.append(peak)
        server.stdin.close()

    assert peaks[1] - peaks[0] < 8 * MIB
    assert peaks[1] < 150 * MIB
