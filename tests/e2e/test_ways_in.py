"""A ZIP as a body, or already in the store; the same request twice; photos that join a batch."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streamapp import progress
from streamapp.errors import Code, StreamappError
from tests.e2e.test_upload_http import left, part, post, refused, zipped
from tests.e2e.upload_service import MIB, Surroundings, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.folder import FolderStore

PUT = "/api/batch/archives/holiday.zip"
IMPORT = "/api/batch/import"
STATUS = "/api/batch/status/"


@pytest.fixture
def url(store: FolderStore, around: Surroundings) -> Iterator[str]:
    with serving(make_app(store, around, archive_bytes_max=4 * MIB)) as url:
        yield url


def put(url: str, data: bytes, key: str | None = None, **fields: str) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return httpx.put(url + PUT, content=data, params={"projectId": "p1"} | fields, headers=headers)


def status_of(batch: str, state: progress.BatchState) -> progress.Status:
    counts = progress.Counts(processed=0, total=2, failed=0)
    return progress.Status(
        batch_id=batch, status=state, image_count=2, progress=counts, progress_percent=0
    )


# As a body.


def test_curl_puts_a_zip_as_the_body(
    url: str, store: FolderStore, around: Surroundings, tmp_path: Path
) -> None:
    file = tmp_path / "Fotos.zip"
    file.write_bytes(zipped(size=600_000))
    address = f"{url}/api/batch/archives/?projectId=p1&priority=2&externalId=order%2017"
    address = address.replace("archives/?", "archives/Fotos.zip?")
    curl = subprocess.run(["curl", "-sST", file, address], capture_output=True, check=True)
    (event,) = around.published
    assert json.loads(curl.stdout) == {
        "success": True,
        "batchId": event.batch,
        "imageCount": 2,
        "queued": 2,
    }
    assert (event.project, event.priority, event.external_id, event.name) == (
        "p1",
        2,
        "order 17",
        "Fotos.zip",
    )
    assert store.read(event.archive, 0, 4 * MIB) == file.read_bytes()


@pytest.mark.parametrize(
    ("data", "fields", "code"),
    [
        (b"no zip", {}, Code.ARCHIVE_NOT_ZIP),
        (b"", {}, Code.ARCHIVE_NOT_ZIP),
        (bytes(4 * MIB + 1), {}, Code.ARCHIVE_TOO_LARGE),
        (b"x", {"priority": "0"}, Code.FIELD_INVALID),
        (b"x", {"externalId": "x" * 256}, Code.FIELD_INVALID),
        (b"x", {"batchId": "x"}, Code.BATCH_UNKNOWN),
        (b"x", {"batchId": "0" * 32}, Code.BATCH_UNKNOWN),
    ],
)
def test_a_bad_body_is_refused_and_leaves_nothing(
    url: str, store: FolderStore, data: bytes, fields: dict[str, str], code: Code
) -> None:
    refused(put(url, data, **fields), code)
    assert left(store) == []


def test_a_body_without_a_project_is_refused(url: str, store: FolderStore) -> None:
    refused(httpx.put(url + PUT, content=zipped()), Code.FIELD_MISSING)
    assert left(store) == []


# Already in the store.


def test_a_zip_in_the_store_is_imported_without_a_copy(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    store.put("deliveries/may.zip", zipped(), "application/zip")
    answer = httpx.post(
        url + IMPORT, json={"key": "deliveries/may.zip", "projectId": "p1", "priority": 9}
    )
    (event,) = around.published
    assert answer.json()["batchId"] == event.batch
    assert (event.archive, event.name, event.priority) == ("deliveries/may.zip", "may.zip", 9)
    assert left(store) == [f"batches/{event.batch}/0000.json", "deliveries/may.zip"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"projectId": "p1"}, Code.FIELD_MISSING),
        ({"key": "a.zip"}, Code.FIELD_MISSING),
        ({"key": "a.zip", "projectId": "p1"}, Code.OBJECT_MISSING),
        ({"key": "../a.zip", "projectId": "p1"}, Code.OBJECT_MISSING),
        ({"key": "archives/a.zip", "projectId": "p1"}, Code.KEY_FORBIDDEN),
        ({"key": "no.zip", "projectId": "p1"}, Code.ARCHIVE_NOT_ZIP),
        ([], Code.BODY_NOT_JSON),
    ],
)
def test_what_cannot_be_imported_is_refused_and_stays(
    url: str, store: FolderStore, body: Any, code: Code
) -> None:
    store.put("no.zip", b"no zip", "application/zip")
    refused(httpx.post(url + IMPORT, json=body), code)
    assert left(store) == ["no.zip"]


# The same request again.


def test_the_same_key_gives_the_same_batch(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    first, second = (put(url, zipped(), "k1").json() for _ in range(2))
    assert first == second
    assert {event.batch for event in around.published} == {first["batchId"]}
    (archive, _manifest) = left(store)
    assert archive == around.published[0].archive


def test_a_form_with_the_same_key_is_the_same_batch(url: str, store: FolderStore) -> None:
    batch = put(url, zipped(), "k1").json()["batchId"]
    again = httpx.post(
        f"{url}/api/batch/upload-zip",
        files={"file": zipped()},
        data={"projectId": "p1"},
        headers={"Idempotency-Key": "k1"},
    )
    assert again.json()["batchId"] == batch
    assert len(left(store)) == 2


def test_many_at_once_with_one_key_open_one_batch(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    archives = [zipped(size=300_000) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda data: put(url, data, "k1"), archives))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["batchId"] for answer in answers}) == 1
    assert len({event.archive for event in around.published}) == 1
    assert len(left(store)) == 2


def test_a_key_belongs_to_its_project(url: str) -> None:
    one, other = (put(url, zipped(), "k1", projectId=name).json() for name in ("p1", "p2"))
    assert one["batchId"] != other["batchId"]


def test_a_key_of_another_request_is_refused(url: str, store: FolderStore) -> None:
    put(url, zipped(), "k1")
    refused(put(url, zipped(), "k1", priority="1"), Code.KEY_REUSED)
    assert len(left(store)) == 2


@pytest.mark.parametrize("photos", [("1.jpg",), ("1.jpg", "2.jpg", "3.jpg")])
def test_a_key_of_another_archive_is_refused(
    url: str, store: FolderStore, photos: tuple[str, ...]
) -> None:
    put(url, zipped(), "k1")
    refused(put(url, zipped(photos), "k1"), Code.KEY_REUSED)
    form = httpx.post(
        f"{url}/api/batch/upload-zip",
        files={"file": zipped(photos)},
        data={"projectId": "p1"},
        headers={"Idempotency-Key": "k1"},
    )
    refused(form, Code.KEY_REUSED)
    chunked = httpx.put(
        url + PUT,
        content=iter([zipped(photos)]),
        params={"projectId": "p1"},
        headers={"Idempotency-Key": "k1"},
    )
    refused(chunked, Code.KEY_REUSED)
    assert len(left(store)) == 2


def test_a_key_of_another_import_is_refused(url: str, store: FolderStore) -> None:
    for name in ("a.zip", "b.zip"):
        store.put(name, zipped(), "application/zip")
    headers = {"Idempotency-Key": "k1"}
    first, again, other = (
        httpx.post(url + IMPORT, json={"key": name, "projectId": "p1"}, headers=headers)
        for name in ("a.zip", "a.zip", "b.zip")
    )
    assert first.json() == again.json()
    refused(other, Code.KEY_REUSED)


def test_an_object_that_is_missing_is_named_as_the_client_named_it(url: str) -> None:
    answer = httpx.post(url + IMPORT, json={"key": "may/a.zip", "projectId": "p1"})
    assert refused(answer, Code.OBJECT_MISSING)["detail"] == "may/a.zip"


def test_what_was_not_published_is_published_with_the_next_try(
    url: str, around: Surroundings
) -> None:
    around.kafka_fault = StreamappError(Code.KAFKA_AWAY)
    batch = put(url, zipped(), "k1").json()["batchId"]
    around.kafka_fault = None
    assert put(url, zipped(), "k1").json()["batchId"] == batch
    assert [event.batch for event in around.published] == [batch]


# Photos that join.


def test_parts_of_a_batch_continue_each_others_indexes(url: str, around: Surroundings) -> None:
    batch = put(url, zipped()).json()["batchId"]
    joined = put(url, zipped(("3.jpg", "4.jpg", "5.jpg")), batchId=batch).json()
    put(url, zipped(("6.jpg",)), batchId=batch)
    assert (joined["batchId"], joined["imageCount"]) == (batch, 3)
    assert [(e.batch, e.first_index, e.photos) for e in around.published] == [
        (batch, 0, 2),
        (batch, 2, 3),
        (batch, 5, 1),
    ]


def test_parts_that_join_at_once_do_not_overlap(url: str, around: Surroundings) -> None:
    batch = put(url, zipped()).json()["batchId"]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: put(url, zipped(), f"k{n % 3}", batchId=batch), range(6)))
    firsts = sorted({event.first_index for event in around.published})
    assert firsts == [0, 2, 4, 6], "each key joined once"


@pytest.mark.parametrize(("state", "code"), [("cancelled", Code.BATCH_CLOSED)])
def test_a_batch_that_has_ended_takes_no_more(
    url: str, around: Surroundings, state: progress.BatchState, code: Code
) -> None:
    batch = put(url, zipped()).json()["batchId"]
    around.known[batch] = status_of(batch, state)
    refused(put(url, zipped(), batchId=batch), code)


def test_a_batch_of_another_project_is_unknown(url: str) -> None:
    batch = put(url, zipped()).json()["batchId"]
    refused(put(url, zipped(), batchId=batch, projectId="p2"), Code.BATCH_UNKNOWN)


def test_a_form_may_join_too(url: str, around: Surroundings) -> None:
    batch = put(url, zipped()).json()["batchId"]
    fields = [part("projectId", b"p1"), part("batchId", batch.encode())]
    assert post(url, *fields, part("file", zipped(), "b.zip")).json()["batchId"] == batch
    assert [event.first_index for event in around.published] == [0, 2]


def test_a_completed_batch_that_was_joined_is_not_told_complete(
    url: str, around: Surroundings
) -> None:
    batch = put(url, zipped()).json()["batchId"]
    counts = progress.Counts(processed=2, total=2, failed=0)
    around.known[batch] = progress.Status(
        batch_id=batch, status="completed", image_count=2, progress=counts, progress_percent=100
    )
    assert httpx.get(f"{url}{STATUS}{batch}").json()["batch"]["status"] == "completed"
    put(url, zipped(("3.jpg", "4.jpg")), batchId=batch)
    told = httpx.get(f"{url}{STATUS}{batch}").json()["batch"]
    assert (told["status"], told["imageCount"], told["progressPercent"]) == ("processing", 4, 50)
    assert told["progress"] == {"processed": 2, "total": 4, "failed": 0}


def test_a_batch_cancelled_before_it_was_opened_tells_its_photos(
    url: str, around: Surroundings
) -> None:
    batch = put(url, zipped()).json()["batchId"]
    counts = progress.Counts(processed=0, total=0, failed=0)
    around.known[batch] = progress.Status(
        batch_id=batch, status="cancelled", image_count=0, progress=counts, progress_percent=0
    )
    told = httpx.get(f"{url}{STATUS}{batch}").json()["batch"]
    assert (told["status"], told["imageCount"]) == ("cancelled", 2)


def test_parts_that_no_worker_has_opened_are_counted_together(url: str) -> None:
    batch = put(url, zipped()).json()["batchId"]
    put(url, zipped(("3.jpg",)), batchId=batch)
    assert httpx.get(f"{url}{STATUS}{batch}").json()["batch"]["imageCount"] == 3


def test_a_batch_that_was_cancelled_while_the_photos_came_takes_none(
    url: str, around: Surroundings, store: FolderStore
) -> None:
    batch = put(url, zipped()).json()["batchId"]
    data = zipped()

    def body() -> Iterator[bytes]:
        yield data[:100]
        around.known[batch] = status_of(batch, "cancelled")
        yield data[100:]

    answer = httpx.put(url + PUT, content=body(), params={"projectId": "p1", "batchId": batch})
    refused(answer, Code.BATCH_CLOSED)
    assert len(left(store)) == 2


# What is said twice, or in other letters.


@pytest.mark.parametrize("query", ["projectId=a&projectId=b", "projectId=%ff"])
def test_an_ambiguous_query_is_refused(url: str, query: str) -> None:
    refused(httpx.put(f"{url}{PUT}?{query}", content=zipped()), Code.FIELD_INVALID)


@pytest.mark.parametrize("keys", [[b"a", b"b"], [b"\xff"]])
def test_an_ambiguous_key_is_refused(url: str, keys: list[bytes]) -> None:
    headers = [(b"Idempotency-Key", key) for key in keys]
    answer = httpx.put(f"{url}{PUT}?projectId=p1", content=zipped(), headers=headers)
    refused(answer, Code.FIELD_INVALID)


def test_a_key_in_any_letters_is_taken(url: str) -> None:
    headers = [(b"Idempotency-Key", "ключ".encode())]
    first, again = (
        httpx.put(f"{url}{PUT}?projectId=p1", content=zipped(), headers=headers) for _ in range(2)
    )
    assert first.json() == again.json()


@pytest.mark.parametrize("value", [True, 1.5, ["x"], {"id": "x"}])
@pytest.mark.parametrize("name", ["projectId", "priority", "externalId", "batchId", "key"])
def test_a_member_of_another_type_is_refused(url: str, name: str, value: object) -> None:
    body = {"projectId": "p1", "key": "a.zip", name: value}
    problem = refused(httpx.post(url + IMPORT, json=body), Code.FIELD_INVALID)
    assert name in str(problem["detail"])


def test_json_that_is_nested_too_deeply_is_refused(url: str) -> None:
    deep = b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}"
    refused(httpx.post(url + IMPORT, content=deep), Code.BODY_NOT_JSON)
