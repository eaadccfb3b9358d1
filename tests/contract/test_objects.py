"""What every object store promises, proved on a folder and on a real MinIO."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from connectors.objects.folder import FolderStore
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.objects.interface import ObjectStore

MIB = 1 << 20
ODD_KEY = "crops/ein Bild ü%2F+&?#'\"<>;=@~(1).jpg"


@pytest.fixture(params=["folder", "minio"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "minio":
        minio_store: ObjectStore = request.getfixturevalue("minio_store")
        return minio_store
    folder_store = FolderStore(tmp_path / "objects")
    folder_store.prepare()
    return folder_store


class FailingSource:
    """Gives ``size`` bytes, then fails."""

    def __init__(self, size: int, error: BaseException) -> None:
        self._rest = size
        self._error = error

    def readinto(self, buffer: memoryview, /) -> int:
        if self._rest < len(buffer):
            raise self._error
        self._rest -= len(buffer)
        return len(buffer)


def code_of(call: object, *arguments: object) -> Code:
    with pytest.raises(StreamappError) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


def test_what_was_put_is_read(store: ObjectStore) -> None:
    store.put("crops/b/1.jpg", b"crop", "image/jpeg")
    assert store.read("crops/b/1.jpg", 0, 4) == b"crop"
    assert store.size("crops/b/1.jpg") == 4


@pytest.mark.parametrize("key", [ODD_KEY, "n" * 200, "a/b/c/d/e"])
def test_any_key_comes_back_as_it_was(store: ObjectStore, key: str) -> None:
    store.put(key, b"x", "image/jpeg")
    assert store.read(key, 0, 1) == b"x"
    assert store.keys("") == [key]


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.put("empty", b"", "image/jpeg")
    assert store.size("empty") == 0
    assert store.read("empty", 0, 10) == b""


def test_a_second_put_replaces_the_object(store: ObjectStore) -> None:
    store.put("crop", b"first and long", "image/jpeg")
    store.put("crop", b"second", "image/jpeg")
    assert store.read("crop", 0, 100) == b"second"


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, 10, b"0123456789"),
        (0, 1, b"0"),
        (9, 1, b"9"),
        (3, 4, b"3456"),
        (8, 5, b"89"),
        (0, 100, b"0123456789"),
        (10, 1, b""),
        (11, 5, b""),
        (3, 0, b""),
    ],
)
def test_a_range_ends_where_the_object_ends(
    store: ObjectStore, start: int, length: int, expected: bytes
) -> None:
    store.put("digits", b"0123456789", "text/plain")
    assert store.read("digits", start, length) == expected


@pytest.mark.parametrize("key", ["nothing", "crops/b/nothing", "crops/b", "crops/b/1.jpg/below"])
def test_a_missing_object_says_so(store: ObjectStore, key: str) -> None:
    store.put("crops/b/1.jpg", b"x", "image/jpeg")
    for call in (lambda: store.read(key, 0, 1), lambda: store.size(key)):
        with pytest.raises(StreamappError) as caught:
            call()
        assert caught.value.code is Code.OBJECT_MISSING
        assert caught.value.detail == key, "and nothing of where the store is"


def test_a_deleted_object_is_missing_and_may_be_deleted_again(store: ObjectStore) -> None:
    store.put("a", b"x", "image/jpeg")
    store.delete("a")
    store.delete("a")
    store.delete("a/b")
    assert code_of(store.size, "a") is Code.OBJECT_MISSING


def test_keys_are_those_with_the_prefix_in_order(store: ObjectStore) -> None:
    for key in ("crops/b2/1", "crops/b1/2", "crops/b1/1", "crops/b10/1", "archives/b1.zip"):
        store.put(key, b"x", "image/jpeg")
    assert store.keys("crops/b1/") == ["crops/b1/1", "crops/b1/2"]
    assert store.keys("crops/b1") == ["crops/b1/1", "crops/b1/2", "crops/b10/1"]
    assert store.keys("crops/b3/") == []
    assert store.keys("/") == store.keys("../") == store.keys("crops/..") == []
    assert len(store.keys("")) == 5


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 40 * MIB])
def test_a_stream_of_unknown_length_is_stored_whole(store: ObjectStore, size: int) -> None:
    data = os.urandom(size)
    assert store.put_stream("archive", BytesIO(data), "application/zip") == size
    assert store.size("archive") == size
    assert store.read("archive", 0, size + 1) == data


@pytest.mark.parametrize("size", [0, 30 * MIB])
@pytest.mark.parametrize("error", [OSError("cut off"), StreamappError(Code.BODY_BROKEN)])
def test_a_failing_source_leaves_nothing_and_its_error_passes(
    store: ObjectStore, size: int, error: Exception
) -> None:
    with pytest.raises(type(error)) as caught:
        store.put_stream("archive", FailingSource(size, error), "application/zip")
    assert caught.value is error
    assert store.keys("") == []


def test_a_failing_source_leaves_the_old_object(store: ObjectStore) -> None:
    store.put("archive", b"old", "application/zip")
    with pytest.raises(KeyboardInterrupt):
        store.put_stream("archive", FailingSource(20 * MIB, KeyboardInterrupt()), "application/zip")
    assert store.read("archive", 0, 10) == b"old"


def test_two_writers_at_once_leave_one_whole_object(store: ObjectStore) -> None:
    contents = [bytes([letter]) * (9 * MIB) for letter in b"ab"]
    with ThreadPoolExecutor(2) as threads:
        for _ in range(3):
            sizes = threads.map(
                lambda data: store.put_stream("archive", BytesIO(data), "application/zip"), contents
            )
            assert list(sizes) == [9 * MIB, 9 * MIB]
            assert store.read("archive", 0, 9 * MIB) in contents


def test_many_threads_share_a_store(store: ObjectStore) -> None:
    def round_trip(index: int) -> bool:
        data = os.urandom(10_000)
        store.put(f"crops/{index}", data, "image/jpeg")
        return store.read(f"crops/{index}", 0, 10_000) == data

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(round_trip, range(100)))


@pytest.mark.parametrize("key", ["../outside", "/outside", "a/../../outside", "a//b", ""])
def test_a_hostile_key_is_no_object(store: ObjectStore, tmp_path: Path, key: str) -> None:
    for call in (
        lambda: store.put(key, b"x", "image/jpeg"),
        lambda: store.put_stream(key, BytesIO(b"x"), "image/jpeg"),
        lambda: store.read(key, 0, 1),
        lambda: store.size(key),
        lambda: store.delete(key),
        lambda: store.url(key),
    ):
        assert code_of(call) is Code.OBJECT_MISSING
    assert not list(tmp_path.rglob("outside"))


def test_prepare_is_safe_to_repeat_and_keeps_objects(store: ObjectStore) -> None:
    store.put("a", b"x", "image/jpeg")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: store.prepare(), range(8)))
    assert store.keys("") == ["a"]
