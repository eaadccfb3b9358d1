"""Resumable uploads by the tus protocol, over real HTTP into a real MinIO: what is answered."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
import time
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from msgspec import structs

from connectors.objects.folder import FolderStore
from connectors.objects.interface import PART_BYTES
from streamapp.errors import Code
from streamapp.keys import archive_key
from streamapp.upload.chain import Chain
from streamapp.upload.notes import Notes
from tests.e2e.tus_service import archive_of
from tests.e2e.upload_service import MIB, Surroundings, eventually, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.interface import UploadStore
    from connectors.objects.minio import MinioStore
    from streamapp.events import ArchiveStored

PATH = "/api/batch/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
ARCHIVE = archive_of(18)  # two whole parts and a third
SMALL = archive_of(3, 1000)


@pytest.fixture
def url(minio_store: MinioStore, around: Surroundings) -> Iterator[str]:
    with serving(make_app(minio_store, around, archive_bytes_max=64 * MIB)) as base:
        yield base


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers=TUS, timeout=30) as one:
        yield one


def told(**values: str) -> str:
    return ",".join(
        f"{name} {b64encode(value.encode()).decode()}" for name, value in values.items()
    )


def creation(length: int, **more: str) -> dict[str, str]:
    metadata = told(projectId="p1", filename="wedding.zip", priority="2", externalId="x-1")
    return {"Upload-Length": str(length), "Upload-Metadata": metadata, **more}


def created(client: httpx.Client, length: int, **more: str) -> str:
    """The address of a new upload."""
    answer = client.post(PATH, headers=creation(length, **more))
    assert answer.status_code == 201, answer.text
    return urljoin(str(answer.url), answer.headers["Location"])


def patch(client: httpx.Client, at: str, offset: int, data: bytes, **more: str) -> httpx.Response:
    headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return client.patch(at, content=data, headers={**headers, **more})


def offset_of(client: httpx.Client, at: str) -> int:
    answer = client.head(at)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def refused(answer: httpx.Response, code: Code) -> None:
    assert answer.status_code == code.status
    assert answer.json()["code"] == code.code
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Cache-Control"] == "no-store"


def part_of(store: UploadStore, batch: str) -> ArchiveStored:
    """The only part of the batch."""
    chain = Chain(store)
    part = asyncio.run(chain.link(batch))
    assert part is not None
    assert asyncio.run(chain.link(batch, 1)) is None
    return part


def assert_taken_in(store: UploadStore, batch: str, archive: bytes) -> None:
    """The batch is exactly ``archive``, and nothing else of the upload remains."""
    part = part_of(store, batch)
    assert (part.project, part.priority, part.external_id) == ("p1", 2, "x-1")
    assert (part.name, part.archive_bytes) == ("wedding.zip", len(archive))
    assert store.read(part.archive, 0, len(archive) + 1) == archive
    assert_nothing_but(store, 2)


def assert_nothing_but(store: UploadStore, objects: int) -> None:
    assert len(store.keys("")) == objects, store.keys("")
    assert store.keys("incoming/") == []


def open_uploads(store: MinioStore, at: str) -> int:
    key = archive_key(at.rpartition("/")[2].partition("-")[0])
    return len(store._client._list_multipart_uploads(store._bucket, prefix=key).uploads)


def parts_of(store: MinioStore, at: str) -> int:
    note = asyncio.run(Notes(store).read(at.rpartition("/")[2]))
    assert note is not None
    assert note.resumable is not None
    return store.parts(note.archive, note.resumable.token)


@pytest.mark.parametrize("path", [PATH, f"{PATH}/{'a' * 32}"])
def test_the_capabilities_are_told_to_whoever_asks(url: str, path: str) -> None:
    answer = httpx.options(url + path)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Extension"].split(",") == [
        "creation", "creation-with-upload", "expiration", "termination", "checksum",
    ]  # fmt: skip
    assert answer.headers["Tus-Max-Size"] == str(64 * MIB)
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"


@pytest.mark.parametrize("piece", [len(ARCHIVE), PART_BYTES, 5 * MIB, 11 * MIB])
def test_an_archive_in_pieces_becomes_a_batch(
    client: httpx.Client, minio_store: MinioStore, around: Surroundings, piece: int
) -> None:
    at = created(client, len(ARCHIVE))
    for offset in range(0, len(ARCHIVE), piece):
        head = client.head(at)
        assert head.headers["Upload-Offset"] == str(offset)
        assert head.headers["Upload-Length"] == str(len(ARCHIVE))
        assert "filename " in head.headers["Upload-Metadata"]
        answer = patch(client, at, offset, ARCHIVE[offset : offset + piece])
        assert answer.status_code == 204
        assert int(answer.headers["Upload-Offset"]) == min(offset + piece, len(ARCHIVE))
    batch = answer.headers["Streamapp-Batch-Id"]
    assert batch == at.rpartition("/")[2]
    assert_taken_in(minio_store, batch, ARCHIVE)
    assert [part.batch for part in around.published] == [batch]
    assert around.published[0].photos == 18
    assert open_uploads(minio_store, at) == 0


def test_a_whole_archive_can_come_with_the_creation(
    client: httpx.Client, minio_store: MinioStore
) -> None:
    headers = creation(len(ARCHIVE)) | {"Content-Type": "application/offset+octet-stream"}
    answer = client.post(PATH, headers=headers, content=ARCHIVE)
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == str(len(ARCHIVE))
    assert answer.headers["Location"].endswith(answer.headers["Streamapp-Batch-Id"])
    assert_taken_in(minio_store, answer.headers["Streamapp-Batch-Id"], ARCHIVE)


def test_the_beginning_of_an_archive_can_come_with_the_creation(client: httpx.Client) -> None:
    headers = creation(len(ARCHIVE)) | {"Content-Type": "application/offset+octet-stream"}
    answer = client.post(PATH, headers=headers, content=ARCHIVE[:1000])
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == "1000"


def test_the_address_and_the_batch_are_known_from_the_creation_on(client: httpx.Client) -> None:
    answer = client.post(PATH, headers=creation(100))
    location = answer.headers["Location"]
    assert urlsplit(location).netloc == ""
    assert not location.startswith("/")  # so it holds behind a proxy that shortens the path
    assert location.rpartition("/")[2] == answer.headers["Streamapp-Batch-Id"]
    assert answer.headers["Upload-Expires"].endswith(" GMT")


def test_a_finished_upload_is_told_complete(client: httpx.Client) -> None:
    at = created(client, len(SMALL))
    batch = patch(client, at, 0, SMALL).headers["Streamapp-Batch-Id"]
    head = client.head(at)
    assert head.headers["Upload-Offset"] == head.headers["Upload-Length"] == str(len(SMALL))
    assert head.headers["Streamapp-Batch-Id"] == batch
    assert "Upload-Expires" not in head.headers
    assert patch(client, at, len(SMALL), b"").status_code == 204
    refused(client.delete(at), Code.UPLOAD_UNKNOWN)


@pytest.mark.parametrize("offset", [0, 999, 1001])
def test_bytes_for_another_offset_are_refused(client: httpx.Client, offset: int) -> None:
    at = created(client, len(ARCHIVE))
    patch(client, at, 0, ARCHIVE[:1000])
    refused(patch(client, at, offset, b"x"), Code.UPLOAD_OFFSET)
    assert offset_of(client, at) == 1000


def test_more_bytes_than_announced_are_refused(client: httpx.Client) -> None:
    at = created(client, 1000)
    refused(patch(client, at, 0, bytes(1001)), Code.ARCHIVE_TOO_LARGE)
    assert offset_of(client, at) == 0


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Upload-Length": str(64 * MIB + 1)}, Code.ARCHIVE_TOO_LARGE),
        ({"Upload-Length": "0"}, Code.ARCHIVE_EMPTY),
        ({"Upload-Length": "-1"}, Code.FIELD_INVALID),
        ({"Upload-Length": "1" * 30}, Code.FIELD_INVALID),
        ({"Upload-Length": "ten"}, Code.FIELD_INVALID),
        ({"Upload-Metadata": "projectId not/base64!"}, Code.FIELD_INVALID),
        ({"Upload-Metadata": "projectId /w=="}, Code.FIELD_INVALID),
        ({"Upload-Metadata": "a,a"}, Code.FIELD_INVALID),
        ({"Upload-Metadata": "a " + "A" * 4096}, Code.FIELD_INVALID),
        ({"Upload-Metadata": told(filename="x.zip")}, Code.FIELD_MISSING),
        ({"Upload-Metadata": told(projectId="p1", priority="11")}, Code.FIELD_INVALID),
        ({"Upload-Metadata": told(projectId="p1", batchId="a" * 32)}, Code.BATCH_UNKNOWN),
    ],
)
def test_a_wrong_creation_is_refused_and_leaves_nothing(
    client: httpx.Client, minio_store: MinioStore, headers: dict[str, str], code: Code
) -> None:
    refused(client.post(PATH, headers=creation(100) | headers), code)
    assert_nothing_but(minio_store, 0)


def test_a_length_that_comes_later_is_not_supported(client: httpx.Client) -> None:
    headers = {"Upload-Defer-Length": "1", "Upload-Metadata": told(projectId="p1")}
    refused(client.post(PATH, headers=headers), Code.LENGTH_MISSING)


@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "0.2.2"}])
def test_another_version_is_told_which_one_is_spoken(url: str, version: dict[str, str]) -> None:
    answer = httpx.post(url + PATH, headers=creation(100) | version)
    refused(answer, Code.TUS_VERSION)
    assert answer.headers["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize("name", ["a" * 32, "a" * 32 + "-" + "b" * 32, "nothing", "..%2F..%2Fx"])
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_an_upload_that_never_was_is_unknown(client: httpx.Client, name: str, method: str) -> None:
    headers = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    answer = client.request(method, f"{PATH}/{name}", headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("PUT", f"{PATH}/{'a' * 32}")])
def test_another_method_is_not_allowed(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    refused(answer, Code.METHOD_NOT_ALLOWED)
    assert answer.headers["Allow"]


def test_a_body_of_another_type_is_refused(client: httpx.Client) -> None:
    at = created(client, 100)
    refused(client.patch(at, content=b"x", headers={"Upload-Offset": "0"}), Code.BODY_NOT_OFFSET)


def test_a_post_can_stand_for_another_method(client: httpx.Client) -> None:
    at = created(client, 100)
    headers = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    override = {"X-HTTP-Method-Override": "PATCH"}
    assert client.post(at, content=b"x" * 10, headers=headers | override).status_code == 204
    assert offset_of(client, at) == 10
    assert client.post(at, headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert client.head(at).status_code == 404


def test_an_ended_upload_leaves_nothing(client: httpx.Client, minio_store: MinioStore) -> None:
    at = created(client, len(ARCHIVE))
    patch(client, at, 0, ARCHIVE[: 10 * MIB])
    assert open_uploads(minio_store, at) == 1
    assert client.delete(at).status_code == 204
    assert_nothing_but(minio_store, 0)
    assert open_uploads(minio_store, at) == 0
    refused(patch(client, at, 10 * MIB, b"x"), Code.UPLOAD_UNKNOWN)


def test_an_expired_upload_is_gone(client: httpx.Client, minio_store: MinioStore) -> None:
    at = created(client, len(ARCHIVE))
    notes = Notes(minio_store)
    note = asyncio.run(notes.read(at.rpartition("/")[2]))
    assert note is not None
    asyncio.run(notes.write(structs.replace(note, expires_at=1_699_999_999.0)))
    refused(patch(client, at, 0, ARCHIVE), Code.UPLOAD_EXPIRED)
    assert client.head(at).status_code == 410


def test_an_upload_whose_parts_the_store_dropped_is_gone(
    client: httpx.Client, minio_store: MinioStore
) -> None:
    at = created(client, len(ARCHIVE))
    minio_store.drop_parts(archive_key(at.rpartition("/")[2]))
    refused(patch(client, at, 0, ARCHIVE), Code.UPLOAD_EXPIRED)


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"not a zip", Code.ARCHIVE_NOT_ZIP), (ARCHIVE[: 9 * MIB], Code.ARCHIVE_BROKEN)],
)
def test_what_is_no_archive_is_refused_and_leaves_nothing(
    client: httpx.Client, minio_store: MinioStore, around: Surroundings, data: bytes, code: Code
) -> None:
    at = created(client, len(data))
    refused(patch(client, at, 0, data), code)
    assert_nothing_but(minio_store, 0)
    assert client.head(at).status_code == 404
    assert around.published == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_bytes_with_their_checksum_are_stored(client: httpx.Client, algorithm: str) -> None:
    at = created(client, len(ARCHIVE))
    data = ARCHIVE[: 9 * MIB]
    digest = b64encode(hashlib.new(algorithm, data).digest()).decode()
    answer = patch(client, at, 0, data, **{"Upload-Checksum": f"{algorithm} {digest}"})
    assert answer.headers["Upload-Offset"] == str(9 * MIB)


@pytest.mark.parametrize(
    ("checksum", "code"),
    [
        ("sha1 " + b64encode(bytes(20)).decode(), Code.UPLOAD_CHECKSUM),
        ("sha1 " + b64encode(bytes(19)).decode(), Code.FIELD_INVALID),
        ("sha1 not-base64", Code.FIELD_INVALID),
        ("crc32 AAAAAA==", Code.FIELD_INVALID),
        ("", Code.FIELD_INVALID),
    ],
)
def test_bytes_with_another_checksum_are_not_stored(
    client: httpx.Client, checksum: str, code: Code
) -> None:
    at = created(client, len(ARCHIVE))
    patch(client, at, 0, ARCHIVE[:100])
    data = ARCHIVE[100 : 10 * MIB]
    refused(patch(client, at, 100, data, **{"Upload-Checksum": checksum}), code)
    assert offset_of(client, at) == 100


def test_a_body_with_a_checksum_is_bounded(client: httpx.Client) -> None:
    at = created(client, len(ARCHIVE))
    checksum = "sha1 " + b64encode(hashlib.sha1(ARCHIVE).digest()).decode()  # noqa: S324 - the protocol's
    answer = patch(client, at, 0, ARCHIVE, **{"Upload-Checksum": checksum})
    refused(answer, Code.ARCHIVE_TOO_LARGE)


def test_the_same_key_again_is_the_same_batch_and_complete(
    client: httpx.Client, minio_store: MinioStore
) -> None:
    key = {"Idempotency-Key": "wedding-1"}
    at = created(client, len(ARCHIVE), **key)
    batch = patch(client, at, 0, ARCHIVE).headers["Streamapp-Batch-Id"]
    assert client.head(at).headers["Streamapp-Batch-Id"] == batch
    again = created(client, len(ARCHIVE), **key)
    head = client.head(again)
    assert head.headers["Upload-Offset"] == head.headers["Upload-Length"] == str(len(ARCHIVE))
    assert head.headers["Streamapp-Batch-Id"] == batch
    assert_taken_in(minio_store, batch, ARCHIVE)
    other = {"Upload-Metadata": told(projectId="p1", priority="9")}
    answer = client.post(PATH, headers=creation(100, **key) | other)
    refused(answer, Code.KEY_REUSED)


def test_two_uploads_of_one_key_give_one_batch(
    client: httpx.Client, minio_store: MinioStore, around: Surroundings
) -> None:
    uploads = [created(client, len(SMALL), **{"Idempotency-Key": "k"}) for _ in range(2)]
    answers = [patch(client, at, 0, SMALL) for at in uploads]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert len({answer.headers["Streamapp-Batch-Id"] for answer in answers}) == 1
    assert_taken_in(minio_store, answers[0].headers["Streamapp-Batch-Id"], SMALL)
    assert len({part.archive for part in around.published}) == 1


def test_what_was_read_before_the_cut_is_kept(
    url: str, client: httpx.Client, minio_store: MinioStore
) -> None:
    at = created(client, len(ARCHIVE))
    cut_patch(url, at, 0, ARCHIVE[: 10 * MIB + 77])
    offset = offset_of(client, at)
    assert 9 * MIB < offset <= 10 * MIB + 77  # less what lay between the socket and the uploader
    answer = patch(client, at, offset, ARCHIVE[offset:])
    assert_taken_in(minio_store, answer.headers["Streamapp-Batch-Id"], ARCHIVE)


def half_patch(url: str, at: str, offset: int, data: bytes) -> socket.socket:
    """A connection on which a PATCH of the rest was begun and ``data`` of it sent."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port or 80))
    lines = [
        f"PATCH {urlsplit(at).path} HTTP/1.1",
        "Host: x",
        "Tus-Resumable: 1.0.0",
        f"Upload-Offset: {offset}",
        "Content-Type: application/offset+octet-stream",
        f"Content-Length: {len(ARCHIVE) - offset}",
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + data)
    return connection


def cut_patch(url: str, at: str, offset: int, data: bytes) -> None:
    """The same, which then is cut off; returns when the uploader knows."""
    with half_patch(url, at, offset, data) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_whoever_comes_back_takes_over_from_a_dead_connection(
    url: str, client: httpx.Client, minio_store: MinioStore
) -> None:
    at = created(client, len(ARCHIVE))
    with half_patch(url, at, 0, ARCHIVE[: 9 * MIB]) as silent:
        assert eventually(lambda: parts_of(minio_store, at) == 1)  # it is being read
        began = time.monotonic()
        offset = offset_of(client, at)
        assert PART_BYTES <= offset <= 9 * MIB
        assert silent.recv(100).startswith(b"HTTP/1.1 423 ")
        answer = patch(client, at, offset, ARCHIVE[offset:])
        assert time.monotonic() - began < 10
    assert_taken_in(minio_store, answer.headers["Streamapp-Batch-Id"], ARCHIVE)


@pytest.mark.parametrize("joined", [False, True])
def test_an_upload_whose_bytes_are_all_there_is_finished_by_whoever_asks(
    client: httpx.Client, minio_store: MinioStore, around: Surroundings, *, joined: bool
) -> None:
    at = created(client, len(ARCHIVE))
    note = asyncio.run(Notes(minio_store).read(at.rpartition("/")[2]))
    assert note is not None
    assert note.resumable is not None
    token = note.resumable.token
    for number in range(1, 4):
        piece = ARCHIVE[(number - 1) * PART_BYTES :][:PART_BYTES]
        minio_store.put_part(note.archive, token, number, piece)
    if joined:
        minio_store.join_parts(note.archive, token)
    head = client.head(at)
    assert head.headers["Upload-Offset"] == str(len(ARCHIVE))
    assert_taken_in(minio_store, head.headers["Streamapp-Batch-Id"], ARCHIVE)
    assert len(around.published) == 1


def test_two_replicas_take_turns(
    client: httpx.Client, minio_store: MinioStore, around: Surroundings
) -> None:
    at = created(client, len(ARCHIVE))
    with serving(make_app(minio_store, around)) as second:
        for offset in range(0, len(ARCHIVE), 3 * MIB):
            base = [str(client.base_url), second][offset // (3 * MIB) % 2]
            there = urljoin(base, urlsplit(at).path)
            assert offset_of(client, there) == offset
            answer = patch(client, there, offset, ARCHIVE[offset : offset + 3 * MIB])
            assert answer.status_code == 204
    assert_taken_in(minio_store, answer.headers["Streamapp-Batch-Id"], ARCHIVE)


def test_a_shutdown_in_mid_upload_keeps_what_came(
    minio_store: MinioStore, around: Surroundings
) -> None:
    app = make_app(minio_store, around)
    with serving(app) as base, httpx.Client(base_url=base, headers=TUS) as client:
        at = created(client, len(ARCHIVE))
        connection = half_patch(base, at, 0, ARCHIVE[: 9 * MIB])
        assert eventually(lambda: parts_of(minio_store, at) == 1)
    connection.close()
    with serving(make_app(minio_store, around)) as base, httpx.Client(headers=TUS) as client:
        assert offset_of(client, urljoin(base, urlsplit(at).path)) == 9 * MIB


def test_a_folder_serves_as_well(tmp_path: Path, around: Surroundings) -> None:
    store = FolderStore(tmp_path / "objects")
    store.prepare()
    with (
        serving(make_app(store, around)) as base,
        httpx.Client(base_url=base, headers=TUS) as client,
    ):
        at = created(client, len(ARCHIVE))
        for offset in range(0, len(ARCHIVE), 5 * MIB):
            assert offset_of(client, at) == offset
            answer = patch(client, at, offset, ARCHIVE[offset : offset + 5 * MIB])
    assert_taken_in(store, answer.headers["Streamapp-Batch-Id"], ARCHIVE)
    assert not list((tmp_path / "objects" / ".partial").iterdir())


def test_an_upload_cut_a_hundred_times_is_exact(
    url: str, client: httpx.Client, minio_store: MinioStore
) -> None:
    chance = random.Random(5)  # noqa: S311 - where to cut
    at = created(client, len(ARCHIVE))
    for _ in range(100):
        offset = offset_of(client, at)
        size = chance.randrange(2 * len(ARCHIVE) // 100)
        cut_patch(url, at, offset, ARCHIVE[offset:-1][:size])
    offset = offset_of(client, at)
    assert offset > PART_BYTES  # most of what was sent was kept
    answer = patch(client, at, offset, ARCHIVE[offset:])
    assert_taken_in(minio_store, answer.headers["Streamapp-Batch-Id"], ARCHIVE)


def test_a_place_is_needed_only_while_bytes_come(
    minio_store: MinioStore, around: Surroundings
) -> None:
    with (
        serving(make_app(minio_store, around, uploads_max=1)) as base,
        httpx.Client(base_url=base, headers=TUS) as client,
    ):
        first, second = created(client, len(ARCHIVE)), created(client, len(ARCHIVE))

        def is_refused_beside_the_first() -> bool:
            # Asked too early, the second may take the place itself, and the first is refused.
            with half_patch(base, first, 0, b""):
                time.sleep(0.2)
                return patch(client, second, 0, b"").status_code == 503

        assert eventually(is_refused_beside_the_first)
        assert eventually(lambda: patch(client, second, 0, b"").status_code == 204)
