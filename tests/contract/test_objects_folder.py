"""What the folder adds to the contract: faults of the disk, leftovers of killed writers."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from connectors.objects.folder import FolderStore
from connectors.objects.interface import PART_BYTES
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def store(folder: Path) -> FolderStore:
    store = FolderStore(folder)
    store.prepare()
    return store


def assert_away(call: Callable[[], object]) -> str:
    with pytest.raises(StreamappError) as caught:
        call()
    assert caught.value.code is Code.STORE_AWAY
    return caught.value.detail


def test_a_folder_that_is_gone_is_an_outage_and_is_not_made_anew(
    store: FolderStore, folder: Path
) -> None:
    shutil.rmtree(folder)
    for call in (
        lambda: store.put("a", b"x", "image/jpeg"),
        lambda: store.put_stream("a", BytesIO(b"x"), "application/zip"),
        lambda: store.read("a", 0, 1),
        lambda: store.size("a"),
        lambda: store.keys(""),
    ):
        assert "No such file" in assert_away(call)
    assert not folder.exists()


def test_a_full_disk_is_an_outage_and_leaves_nothing(store: FolderStore, folder: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB + MIB // 2, limits[1]))
    try:
        detail = assert_away(
            lambda: store.put_stream("archive", BytesIO(bytes(4 * MIB)), "application/zip")
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large" in detail
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_key_below_an_object_is_told(store: FolderStore) -> None:
    store.put("a", b"x", "image/jpeg")
    assert assert_away(lambda: store.put("a/b", b"x", "image/jpeg"))
    assert store.keys("") == ["a"]


WRITE_HALF = """
import sys
from pathlib import Path
from connectors.objects.folder import FolderStore

class Source:
    given = 0
    def readinto(self, buffer):
        self.given += 1
        if self.given == 5:
            print("half", flush=True)
            sys.stdin.read()
        return len(buffer)

FolderStore(Path(sys.argv[1])).put_stream("archive", Source(), "application/zip")
"""


def test_only_a_killed_writer_s_leftovers_are_removed(store: FolderStore, folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_HALF, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        store.prepare()
        assert len(list((folder / ".incoming").iterdir())) == 1
        assert store.keys("") == []
        writer.send_signal(signal.SIGKILL)
    store.prepare()
    assert list((folder / ".incoming").iterdir()) == []
    assert store.keys("") == []


def test_no_writer_s_new_file_is_taken_for_a_leftover(store: FolderStore) -> None:
    ended = threading.Event()

    def prepare_without_end() -> None:
        while not ended.is_set():
            store.prepare()

    with ThreadPoolExecutor(3) as threads:
        others = [threads.submit(prepare_without_end) for _ in range(3)]
        try:
            for number in range(300):
                store.put(f"a/{number}", b"x", "image/jpeg")
        finally:
            ended.set()
        for other in others:
            other.result()
    assert len(store.keys("a/")) == 300


def test_the_address_leads_to_the_file(store: FolderStore) -> None:
    store.put("crops/ein Bild #1.jpg", b"crop", "image/jpeg")
    url = urlsplit(store.url("crops/ein Bild #1.jpg"))
    assert url.scheme == "file"
    assert Path(unquote(url.path)).read_bytes() == b"crop"


def test_a_token_leads_nowhere_else(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"outside")
    for token in ("../../x", "", "/x"):
        with pytest.raises(StreamappError) as caught:
            store.put_part("archive", token, 1, b"x")
        assert caught.value.code is Code.OBJECT_MISSING


def test_a_part_that_is_not_whole_does_not_count(store: FolderStore, folder: Path) -> None:
    token = store.begin_parts("archive", "application/zip")
    store.put_part("archive", token, 1, bytes(PART_BYTES))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PART_BYTES + 3 * MIB, limits[1]))
    try:
        assert_away(lambda: store.put_part("archive", token, 2, bytes(PART_BYTES)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.parts("archive", token) == 1
    store.join_parts("archive", token)
    assert store.size("archive") == PART_BYTES
    assert list((folder / ".partial").iterdir()) == []


def test_dropped_parts_leave_no_file(store: FolderStore, folder: Path) -> None:
    token = store.begin_parts("archive", "application/zip")
    store.put_part("archive", token, 1, b"x")
    store.drop_parts("archive")
    assert list((folder / ".partial").iterdir()) == []
