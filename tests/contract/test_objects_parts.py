"""What every store that takes uploads promises, proved on a folder and on a real MinIO."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from connectors.objects.folder import FolderStore
from connectors.objects.interface import PART_BYTES, Stored
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connectors.objects.interface import UploadStore

ZIP = "application/zip"
KEY = "archives/u.zip"


@pytest.fixture(params=["folder", "minio"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> UploadStore:
    if request.param == "minio":
        minio_store: UploadStore = request.getfixturevalue("minio_store")
        return minio_store
    folder_store = FolderStore(tmp_path / "objects")
    folder_store.prepare()
    return folder_store


def assert_over(store: UploadStore, token: str, key: str = KEY) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.parts(key, token),
        lambda: store.put_part(key, token, 1, b"x"),
        lambda: store.join_parts(key, token),
    ]
    for call in calls:
        with pytest.raises(StreamappError) as caught:
            call()
        assert caught.value.code is Code.OBJECT_MISSING


def test_only_the_first_put_of_a_new_object_gets_through(store: UploadStore) -> None:
    assert store.put_new("batches/b/0000.json", b"first", "application/json")
    assert not store.put_new("batches/b/0000.json", b"second", "application/json")
    assert store.read("batches/b/0000.json", 0, 10) == b"first"


def test_one_of_eight_writers_at_once_gets_through(store: UploadStore) -> None:
    for number in range(10):
        key = f"batches/b/{number:04d}.json"

        def put(writer: int, key: str = key) -> bool:
            return store.put_new(key, b"%d" % writer, "application/json")

        with ThreadPoolExecutor(8) as threads:
            won = list(threads.map(put, range(8)))
        assert won.count(True) == 1
        assert store.read(key, 0, 10) == b"%d" % won.index(True)
    assert len(store.keys("")) == 10


def test_a_listing_tells_of_sizes_and_times_in_the_order_of_keys(store: UploadStore) -> None:
    keys = ["a/1.zip", "a0", "a/2/x", "a.txt", "b", "aé", "a/2.zip", "az"]
    for size, key in enumerate(keys):
        store.put(key, bytes(size), ZIP)
    found = list(store.listing(""))
    assert [one.key for one in found] == sorted(keys, key=str.encode)
    assert {one.key: one.size for one in found} == {key: size for size, key in enumerate(keys)}
    assert all(abs(one.modified - time.time()) < 60 for one in found)
    assert isinstance(found[0], Stored)


@pytest.mark.parametrize("after", ["", "a", "a/1.zip", "a/2", "a/2/x", "a/3", "a.", "az", "z"])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/2", "none"])
def test_a_listing_goes_on_behind_a_key(store: UploadStore, prefix: str, after: str) -> None:
    keys = ["a.txt", "a/1.zip", "a/2.zip", "a/2/x", "a/2/y", "a0", "b"]
    for key in keys:
        store.put(key, b"x", ZIP)
    expected = [key for key in keys if key.startswith(prefix) and key > after]
    assert [one.key for one in store.listing(prefix, after)] == expected


def test_parts_become_the_object_only_when_joined(store: UploadStore) -> None:
    data = os.urandom(2 * PART_BYTES + 5)
    token = store.begin_parts(KEY, ZIP)
    assert store.parts(KEY, token) == 0
    for number in range(1, 4):
        store.put_part(KEY, token, number, data[(number - 1) * PART_BYTES :][:PART_BYTES])
        assert store.parts(KEY, token) == number
        assert store.keys("") == []
    store.join_parts(KEY, token)
    assert store.keys("") == [KEY]
    assert store.read(KEY, 0, len(data) + 1) == data
    assert_over(store, token)


@pytest.mark.parametrize("length", [0, 1, PART_BYTES])
def test_a_single_part_may_be_the_last(store: UploadStore, length: int) -> None:
    token = store.begin_parts(KEY, ZIP)
    store.put_part(KEY, token, 1, bytes(length))
    store.join_parts(KEY, token)
    assert store.size(KEY) == length


def test_a_part_that_is_stored_again_counts_once(store: UploadStore) -> None:
    token = store.begin_parts(KEY, ZIP)
    store.put_part(KEY, token, 1, bytes(PART_BYTES))
    for last in (b"a longer one", b"short"):
        store.put_part(KEY, token, 2, last)
    store.put_part(KEY, token, 1, b"y" * PART_BYTES)
    assert store.parts(KEY, token) == 2
    store.join_parts(KEY, token)
    assert store.size(KEY) == PART_BYTES + 5
    assert store.read(KEY, PART_BYTES - 1, 10) == b"yshort"


def test_parts_outlive_whoever_prepares_the_store(store: UploadStore) -> None:
    token = store.begin_parts(KEY, ZIP)
    store.put_part(KEY, token, 1, b"x")
    store.prepare()
    assert store.parts(KEY, token) == 1


def test_dropping_a_key_ends_all_of_its_uploads_and_no_other(store: UploadStore) -> None:
    tokens = [store.begin_parts(KEY, ZIP) for _ in range(3)]
    store.put_part(KEY, tokens[0], 1, b"x")
    longer = store.begin_parts(KEY + "2", ZIP)
    store.drop_parts(KEY)
    store.drop_parts(KEY)
    for token in tokens:
        assert_over(store, token)
    assert store.parts(KEY + "2", longer) == 0


@pytest.mark.parametrize("token", ["nothing", "a" * 200])
def test_a_token_that_never_was_is_over(store: UploadStore, token: str) -> None:
    assert_over(store, token)


def test_another_key_s_token_is_over(store: UploadStore) -> None:
    assert_over(store, store.begin_parts(KEY, ZIP), "archives/v.zip")


def test_writers_of_the_same_parts_at_once_spoil_nothing(store: UploadStore) -> None:
    pieces = [os.urandom(PART_BYTES) for _ in range(3)]
    token = store.begin_parts(KEY, ZIP)

    def put_all(_: int) -> None:
        for number, piece in enumerate(pieces, 1):
            store.put_part(KEY, token, number, piece)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(put_all, range(3)))
    store.join_parts(KEY, token)
    assert store.read(KEY, 0, 4 * PART_BYTES) == b"".join(pieces)
