"""Photos without an archive: as files in a form, or as objects that lie in the store already."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from streamapp import archive
from streamapp.errors import Code, StreamappError
from tests.archives import claims, listed_objects, reader
from tests.e2e.test_upload_http import MULTIPART, PROJECT, body, left, part, refused, zipped
from tests.e2e.upload_service import ARCHIVE_LIMITS, MIB, Surroundings, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.folder import FolderStore
    from streamapp.events import ArchiveStored

ADD = "/api/batch/add-images"
IMAGES_MAX = 40


@pytest.fixture
def url(store: FolderStore, around: Surroundings) -> Iterator[str]:
    app = make_app(store, around, archive_bytes_max=4 * MIB, images_max=IMAGES_MAX)
    with serving(app) as url:
        yield url


def send(url: str, *parts: bytes, key: str | None = None) -> httpx.Response:
    headers = MULTIPART | ({"Idempotency-Key": key} if key else {})
    return httpx.post(url + ADD, content=body(*parts), headers=headers, timeout=60)


def name_objects(url: str, key: str | None = None, **members: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return httpx.post(url + ADD, json={"projectId": "p1"} | members, headers=headers, timeout=60)


def photo(name: str, content: bytes = b"a photo", field: str = "images") -> bytes:
    return part(field, content, name)


def packed(store: FolderStore, event: ArchiveStored) -> dict[str, bytes]:
    """The photos of a part that is a ZIP, as the worker reads them."""
    data = store.read(event.archive, 0, event.archive_bytes)
    run = claims(data)
    return {queued.name: bytes(got) for queued, got in archive.read_run(reader(data), run)}  # type: ignore[arg-type]


def gathered(store: FolderStore, event: ArchiveStored) -> dict[str, int]:
    """The objects of a part that is a listing."""
    data = store.read(event.archive, 0, event.archive_bytes)
    return {entry.name: entry.photo_bytes for entry in listed_objects(data)}


def put_photos(store: FolderStore, *keys: str, content: bytes = b"photo") -> None:
    for key in keys:
        store.put(key, content, "image/jpeg")


# Files.


def test_curl_sends_many_files(
    url: str, store: FolderStore, around: Surroundings, tmp_path: Path
) -> None:
    contents = {"eins.jpg": os.urandom(200_000), "zwei ä.png": os.urandom(70_000)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = [f"-Fimages=@{tmp_path / name}" for name in contents]
    fields = ["-FprojectId=p1", "-Fpriority=2", "-FexternalId=order 17"]
    command = ["curl", "-sS", *fields[:1], *files, *fields[1:], url + ADD]
    curl = subprocess.run(command, capture_output=True, check=True)
    (event,) = around.published
    assert json.loads(curl.stdout) == {
        "success": True,
        "batchId": event.batch,
        "imageCount": 2,
        "queued": 2,
    }
    assert (event.project, event.priority, event.external_id) == ("p1", 2, "order 17")
    assert packed(store, event) == contents
    assert left(store) == [event.archive, f"batches/{event.batch}/0000.json"]


def test_the_zip_is_one_that_others_can_read(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    send(url, PROJECT, photo("a/ö.jpg", b"1" * 100_000), photo("b.jpg", b""))
    (event,) = around.published
    data = store.read(event.archive, 0, event.archive_bytes)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["a/ö.jpg", "b.jpg"]


def test_fields_may_come_between_the_files_and_these_by_any_name(
    url: str, around: Surroundings
) -> None:
    send(
        url,
        photo("1.jpg", field="images"),
        part("priority", b"9"),
        photo("2.jpg", field="images[]"),
        photo("3.jpg", field="file"),
        PROJECT,
    )
    (event,) = around.published
    assert (event.photos, event.priority) == (3, 9)


def test_files_of_one_name_are_photos_of_their_own(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    contents = [str(number).encode() for number in range(4)]
    send(url, PROJECT, *(photo("image.jpg", content) for content in contents))
    (event,) = around.published
    assert (event.photos, event.duplicates) == (4, b"")
    assert list(packed(store, event).values()) == contents


def test_what_is_no_image_is_a_photo_that_will_fail(url: str, around: Surroundings) -> None:
    assert send(url, PROJECT, photo("notes.txt", b"no photo")).json()["imageCount"] == 1
    assert around.published[0].skipped == 0


def test_clutter_is_skipped_and_told(url: str, around: Surroundings) -> None:
    answer = send(url, PROJECT, photo("1.jpg"), photo("Thumbs.db"), photo("__MACOSX/._1.jpg"))
    assert answer.json()["imageCount"] == 1
    assert around.published[0].skipped_by == {"clutter": 2}


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([PROJECT], Code.FIELD_MISSING),
        ([PROJECT, part("images", b"a value, no file")], Code.FIELD_MISSING),
        ([photo("1.jpg")], Code.FIELD_MISSING),
        ([PROJECT, photo("1.jpg"), part("priority", b"11")], Code.FIELD_INVALID),
        ([PROJECT, photo("1.jpg"), PROJECT], Code.FIELD_INVALID),
        ([PROJECT, part("batchId", b"0" * 32), photo("1.jpg")], Code.BATCH_UNKNOWN),
        ([PROJECT, photo("Thumbs.db")], Code.ARCHIVE_NO_PHOTOS),
        ([PROJECT, photo("1.jpg"), photo("2.jpg", bytes(MIB + 1))], Code.PHOTO_TOO_LARGE),
        ([PROJECT, *[photo("1.jpg", bytes(MIB))] * 5], Code.ARCHIVE_TOO_LARGE),
        ([PROJECT, *[photo("1.jpg")] * (IMAGES_MAX + 1)], Code.ARCHIVE_TOO_MANY_ENTRIES),
    ],
)
def test_a_bad_form_is_refused_and_leaves_nothing(
    store: FolderStore, around: Surroundings, parts: list[bytes], code: Code
) -> None:
    app = make_app(
        store, around, archive_bytes_max=4 * MIB, images_max=IMAGES_MAX, photo_bytes_max=MIB
    )
    with serving(app) as url:
        refused(send(url, *parts), code)
    assert (left(store), around.published) == ([], [])


def test_a_form_without_a_chosen_file_brings_none(url: str, store: FolderStore) -> None:
    empty = part("images", b"", "x").replace(b'filename="x"', b'filename=""')
    refused(send(url, PROJECT, empty), Code.FIELD_MISSING)
    assert left(store) == []


def test_a_file_without_a_name_gets_one(url: str, store: FolderStore, around: Surroundings) -> None:
    unnamed = part("images", b"content", "x").replace(b'filename="x"', b'filename=""')
    send(url, PROJECT, photo("1.jpg"), unnamed)
    assert list(packed(store, around.published[0])) == ["1.jpg", "photo-2"]


def test_as_many_files_as_allowed_are_taken(url: str, around: Surroundings) -> None:
    send(url, PROJECT, *[photo("1.jpg")] * IMAGES_MAX)
    assert around.published[0].photos == IMAGES_MAX


def test_a_form_that_breaks_off_leaves_nothing(url: str, store: FolderStore) -> None:
    cut = body(PROJECT, photo("1.jpg", os.urandom(300_000)))[:-100_000]
    refused(httpx.post(url + ADD, content=cut, headers=MULTIPART), Code.BODY_BROKEN)
    assert left(store) == []


def test_the_memory_of_an_upload_does_not_grow_with_it(
    store: FolderStore, around: Surroundings
) -> None:
    content = os.urandom(4 * MIB)

    def parts(count: int) -> Iterator[bytes]:
        yield PROJECT
        for number in range(count):
            yield photo(f"{number}.jpg", content)
        yield body()

    def upload(url: str, count: int) -> int:
        answer = httpx.post(url + ADD, content=parts(count), headers=MULTIPART, timeout=120)
        assert answer.json()["imageCount"] == count
        return psutil.Process().memory_info().rss

    with serving(make_app(store, around)) as url:
        small = upload(url, 16)
        assert upload(url, 128) - small < 32 * MIB


# Objects.


def test_keys_are_listed_in_their_order_and_nothing_is_copied(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    put_photos(store, "in/b.jpg", "in/a.jpg")
    store.put("in/c.jpg", b"", "image/jpeg")
    keys = ["in/b.jpg", "in/c.jpg", "in/a.jpg"]
    answer = name_objects(url, keys=keys, priority=9, externalId="order 17")
    (event,) = around.published
    assert answer.json() == {
        "success": True,
        "batchId": event.batch,
        "imageCount": 3,
        "queued": 3,
    }
    assert (event.kind, event.priority, event.external_id) == ("listing", 9, "order 17")
    assert list(gathered(store, event).items()) == [
        ("in/b.jpg", 5),
        ("in/c.jpg", 0),
        ("in/a.jpg", 5),
    ]
    assert left(store) == [event.archive, f"batches/{event.batch}/0000.json", *sorted(keys)]


def test_a_prefix_is_listed_without_what_promises_no_photo(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    put_photos(store, "may/2/b.jpg", "may/1.jpg", "may/Thumbs.db", "may/old.zip", "june/1.jpg")
    store.put("may/empty.jpg", b"", "image/jpeg")
    name_objects(url, prefix="may/")
    (event,) = around.published
    assert list(gathered(store, event)) == ["may/1.jpg", "may/2/b.jpg"]
    assert event.skipped_by == {"clutter": 1, "empty": 1, "nested_archive": 1}
    assert (event.photos, event.skipped, event.name) == (2, 3, "may/")


def test_an_object_counts_once_however_often_it_is_meant(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    put_photos(store, "a/1.jpg", "a/b/2.jpg", "a/b/3.jpg", "c/4.jpg")
    keys = ["a/b/3.jpg", "c/4.jpg", "c/4.jpg"]
    name_objects(url, keys=keys, prefix="a/", prefixes=["a/b/", "a/"])
    (event,) = around.published
    assert list(gathered(store, event)) == ["a/b/3.jpg", "c/4.jpg", "a/1.jpg", "a/b/2.jpg"]
    assert event.skipped_by == {"duplicate": 2}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, Code.FIELD_MISSING),
        ({"keys": []}, Code.FIELD_MISSING),
        ({"keys": "a.jpg"}, Code.FIELD_INVALID),
        ({"keys": ["a.jpg", 7]}, Code.FIELD_INVALID),
        ({"keys": [""]}, Code.FIELD_INVALID),
        ({"keys": ["x" * 1025]}, Code.FIELD_INVALID),
        ({"prefixes": ["x"] * 101}, Code.FIELD_INVALID),
        ({"keys": ["a.jpg"], "priority": 0}, Code.FIELD_INVALID),
        ({"keys": ["a.jpg"], "projectId": ""}, Code.FIELD_INVALID),
        ({"keys": ["a.jpg"], "batchId": "0" * 32}, Code.BATCH_UNKNOWN),
        ({"keys": ["a.jpg", "gone.jpg"]}, Code.OBJECT_MISSING),
        ({"keys": ["../a.jpg"]}, Code.OBJECT_MISSING),
        ({"keys": ["crops/a/00000000.jpg"]}, Code.KEY_FORBIDDEN),
        ({"prefix": "crops/a"}, Code.KEY_FORBIDDEN),
        ({"prefix": "cr"}, Code.KEY_FORBIDDEN),
        ({"prefix": ""}, Code.KEY_FORBIDDEN),
        ({"prefix": "nowhere/"}, Code.ARCHIVE_NO_PHOTOS),
        ({"keys": ["a.jpg"] * (IMAGES_MAX + 1)}, Code.ARCHIVE_TOO_MANY_ENTRIES),
        ({"prefix": "many/"}, Code.ARCHIVE_TOO_MANY_ENTRIES),
    ],
)
def test_a_bad_selection_is_refused_and_leaves_nothing(
    url: str, store: FolderStore, around: Surroundings, members: dict[str, Any], code: Code
) -> None:
    put_photos(store, "a.jpg")
    if members.get("prefix") == "many/":
        put_photos(store, *(f"many/{n}" for n in range(ARCHIVE_LIMITS.entries_max + 1)))
    before = left(store)
    refused(name_objects(url, **members), code)
    assert (left(store), around.published) == (before, [])


def test_a_missing_key_is_named(url: str) -> None:
    assert name_objects(url, keys=["gone.jpg"]).json()["detail"] == "gone.jpg"


def test_the_limit_of_keys_is_10_000_by_default(store: FolderStore, around: Surroundings) -> None:
    keys = [f"{number}.jpg" for number in range(10_001)]
    with serving(make_app(store, around)) as url:
        refused(name_objects(url, keys=keys), Code.ARCHIVE_TOO_MANY_ENTRIES)
        refused(name_objects(url, keys=keys[:-1]), Code.OBJECT_MISSING)


# The same request again, and batches that are joined.


def test_the_same_key_gives_the_same_batch(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    put_photos(store, "a.jpg")
    forms = [send(url, PROJECT, photo("1.jpg"), key="k1").json() for _ in range(2)]
    lists = [name_objects(url, "k2", keys=["a.jpg"]).json() for _ in range(2)]
    assert forms[0] == forms[1]
    assert lists[0] == lists[1]
    assert len({event.archive for event in around.published}) == 2
    assert len(left(store)) == 5


def test_the_same_request_is_answered_the_same_when_its_objects_are_gone(
    url: str, store: FolderStore
) -> None:
    put_photos(store, "a.jpg")
    first = name_objects(url, "k1", keys=["a.jpg"]).json()
    store.delete("a.jpg")
    assert name_objects(url, "k1", keys=["a.jpg"]).json() == first


def test_what_joins_with_the_same_key_joins_once(
    url: str, store: FolderStore, around: Surroundings
) -> None:
    put_photos(store, "a.jpg")
    batch = send(url, PROJECT, photo("1.jpg")).json()["batchId"]
    join = part("batchId", batch.encode())
    for _ in range(2):
        send(url, PROJECT, join, photo("2.jpg"), key="k1")
        name_objects(url, "k2", keys=["a.jpg"], batchId=batch)
    assert {event.first_index for event in around.published} == {0, 1, 2}
    assert len(left(store)) == 7


def test_every_way_joins_the_same_batch(url: str, store: FolderStore, around: Surroundings) -> None:
    put_photos(store, "in/a.jpg", "in/b.jpg", "in/c.jpg")
    batch = name_objects(url, prefix="in/").json()["batchId"]
    join = part("batchId", batch.encode())
    send(url, photo("1.jpg"), photo("2.jpg"), join, PROJECT)
    httpx.put(
        f"{url}/api/batch/archives/a.zip",
        content=zipped(),
        params={"projectId": "p1", "batchId": batch},
    )
    assert [(e.batch, e.kind, e.first_index, e.photos) for e in around.published] == [
        (batch, "listing", 0, 3),
        (batch, "zip", 3, 2),
        (batch, "zip", 5, 2),
    ]


def test_a_store_that_goes_away_refuses_and_leaves_nothing(
    url: str, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_photos(store, *(f"in/{number}.jpg" for number in range(IMAGES_MAX)))
    before, size, asked = left(store), store.size, itertools.count()

    def size_for_a_while(key: str) -> int:
        if next(asked) == IMAGES_MAX // 2:
            raise StreamappError(Code.STORE_AWAY)
        return size(key)

    monkeypatch.setattr(store, "size", size_for_a_while)
    answer = name_objects(url, keys=before)
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert left(store) == before
