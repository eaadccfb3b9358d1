"""``streamapp upload``, as a person uses it: whole, cut, killed, again, and waiting for the end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from connectors.objects.folder import FolderStore
from connectors.ports import free_ports
from streamapp import progress
from streamapp.events import decode_archive
from streamapp.keys import manifest_key
from streamapp.upload_files.packing import Folder
from tests.e2e.installation import BROKEN, PHOTOS, assert_exact
from tests.e2e.tus_service import Replica, Wire, archive_of
from tests.e2e.upload_service import MIB, Surroundings, eventually, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.interface import UploadStore
    from connectors.objects.minio import MinioStore
    from streamapp.events import ArchiveStored
    from tests.e2e.installation import Installation

COMMAND = [sys.executable, "-m", "streamapp", "upload"]
PATIENCE_S = 120.0
ARCHIVE = archive_of(40)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of its own, who remembers nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("UPLOADER_URL", raising=False)
    return tmp_path


@pytest.fixture
def store(running: tuple[Replica, MinioStore]) -> MinioStore:
    """The uploader's, empty."""
    for key in running[1].keys(""):
        running[1].delete(key)
    return running[1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wedding.zip"
    path.write_bytes(ARCHIVE)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """40 MiB in files of all sizes."""
    source = random.Random(1)  # noqa: S311 - contents, not secrets
    folder = tmp_path / "holiday"
    (folder / "more").mkdir(parents=True)
    for number in range(300):
        size = source.choice([0, 700, 50_000, 400_000])
        (folder / f"{'more/' if number % 3 else ''}{number}.jpg").write_bytes(
            source.randbytes(size)
        )
    (folder / "big.jpg").write_bytes(source.randbytes(9 * MIB))
    return folder


@pytest.fixture(params=["file", "folder"])
def photos(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def content(photos: Path) -> bytes:
    """What must lie in the store of a file or a folder."""
    if photos.is_dir():
        return b"".join(Folder(photos, print).pieces(0))
    return photos.read_bytes()


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    said, told = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in told, told
    return process.returncode, said, told


def upload(*arguments: object) -> tuple[int, str, str]:
    return end_of(start(*arguments))


def batch_of(done: tuple[int, str, str]) -> str:
    """The batch of a command with ``--json`` that did well."""
    code, said, told = done
    assert code == 0, told
    (line,) = said.splitlines()
    return str(json.loads(line)["batchId"])


def part_of(store: UploadStore, batch: str) -> ArchiveStored:
    return decode_archive(store.read(manifest_key(batch), 0, MIB))


def assert_only(store: UploadStore, batch: str, expected: bytes) -> None:
    """The store holds this batch, of exactly these bytes, and nothing else."""
    part = part_of(store, batch)
    assert store.read(part.archive, 0, len(expected) + 1) == expected
    assert store.keys("") == sorted([part.archive, manifest_key(batch)])


def remembered(home: Path) -> list[Path]:
    return [path for path in (home / "state").rglob("*") if path.is_file()]


# Whole, and cut.


def test_a_file_or_a_folder_becomes_a_batch(
    uploader: Replica, store: MinioStore, photos: Path, home: Path
) -> None:
    options = ("--project", "p1", "--priority", 2, "--external-id", "ä 17")
    batch = batch_of(upload(photos, "--to", uploader.url, "--json", *options))
    assert_only(store, batch, content(photos))
    part = part_of(store, batch)
    assert (part.project, part.priority, part.external_id) == ("p1", 2, "ä 17")
    assert part.name == f"{photos.stem}.zip"
    assert not remembered(home)


@pytest.mark.parametrize("seed", [1, 2])
def test_it_goes_on_after_cuts_at_random_bytes(
    uploader: Replica, store: MinioStore, photos: Path, seed: int
) -> None:
    expected = content(photos)
    places = random.Random(seed)  # noqa: S311 - places to cut at
    plan = sorted((places.randrange(len(expected)), Wire.cut) for _ in range(8))
    with Wire(uploader.port, plan) as wire:
        code, said, told = upload(photos, "--to", wire.url, "--json")
    assert "trying again after uploader_away" in told
    assert_only(store, batch_of((code, said, told)), expected)


def test_it_goes_on_after_the_uploader_was_killed(
    uploader: Replica, store: MinioStore, photos: Path
) -> None:
    plan = [(at * MIB, lambda _: uploader.restart()) for at in (12, 31)]
    with Wire(uploader.port, plan) as wire:
        batch = batch_of(upload(photos, "--to", wire.url, "--json"))
    assert_only(store, batch, content(photos))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_client_goes_on_when_it_is_run_again(
    uploader: Replica, store: MinioStore, photos: Path, home: Path, end: signal.Signals
) -> None:
    expected = content(photos)
    with Wire(uploader.port, [(25 * MIB, lambda _: first.send_signal(end))]) as wire:
        first = start(photos, "--to", wire.url, "--json")
        code, said, told = end_of(first)
        assert (code, said) == (-9 if end == signal.SIGKILL else 130, "")
        assert ("same command again" in told) == (end == signal.SIGINT)
        assert len(remembered(home)) == 1
        sent, wire.bytes_up = wire.bytes_up, 0
        batch = batch_of(upload(photos, "--to", wire.url, "--json"))
        assert wire.bytes_up < len(expected) + 2 * MIB - (sent - 8 * MIB - 2 * MIB)
    assert_only(store, batch, expected)
    assert not remembered(home)


def test_a_stopped_client_goes_on_also_with_anew(
    uploader: Replica, store: MinioStore, file: Path, home: Path
) -> None:
    with Wire(uploader.port, [(25 * MIB, lambda _: first.send_signal(signal.SIGINT))]) as wire:
        first = start(file, "--to", wire.url, "--anew")
        assert "same command again" in end_of(first)[2]
        sent, wire.bytes_up = wire.bytes_up, 0
        batch = batch_of(upload(file, "--to", wire.url, "--anew", "--json"))
        assert wire.bytes_up < len(ARCHIVE) + 2 * MIB - (sent - 8 * MIB - 2 * MIB)
    assert_only(store, batch, ARCHIVE)
    assert not remembered(home)


def test_an_upload_that_the_uploader_forgot_is_begun_anew(
    uploader: Replica, store: MinioStore, file: Path, home: Path
) -> None:
    with Wire(uploader.port, [(25 * MIB, lambda _: first.kill())]) as wire:
        first = start(file, "--to", wire.url)
        end_of(first)
        (name,) = remembered(home)
        address = f"{uploader.url}/api/batch/uploads/{name.read_text()}"
        httpx.delete(address, headers={"Tus-Resumable": "1.0.0"}).raise_for_status()
        batch = batch_of(upload(file, "--to", wire.url, "--json"))
    assert_only(store, batch, ARCHIVE)


def test_a_frozen_uploader_is_waited_for(uploader: Replica, store: MinioStore, file: Path) -> None:
    assert uploader._process
    with Wire(uploader.port, [(20 * MIB, lambda _: os.kill(pid, signal.SIGSTOP))]) as wire:
        pid = uploader._process.pid
        process = start(file, "--to", wire.url, "--json")
        try:
            time.sleep(5)
            assert process.poll() is None
        finally:
            os.kill(pid, signal.SIGCONT)
        assert_only(store, batch_of(end_of(process)), ARCHIVE)


# Again, and otherwise. In a thread over a folder, which is enough here.


@pytest.fixture
def here(tmp_path: Path) -> FolderStore:
    store = FolderStore(tmp_path / "objects")
    store.prepare()
    return store


@pytest.fixture
def url(here: FolderStore, around: Surroundings) -> Iterator[str]:
    with serving(make_app(here, around, archive_bytes_max=64 * MIB)) as url:
        yield url


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    for name in ("1.jpg", "2.jpg"):
        (folder / name).write_bytes(name.encode() * 1000)
    return folder


def test_the_same_command_gives_the_same_batch_unless_anew_or_for_other_files(
    url: str, around: Surroundings, small: Path
) -> None:
    first, again, anew, other = (
        batch_of(upload(small, "--to", url, "--json", *options))
        for options in ((), (), ("--anew",), ("--priority", 1))
    )
    (small / "3.jpg").write_bytes(b"one more")
    more = batch_of(upload(small, "--to", url, "--json"))
    assert first == again
    assert len({first, anew, other, more}) == 4
    assert {event.batch for event in around.published} == {first, anew, other, more}


def test_a_key_names_the_batch_wherever_the_files_lie(url: str, small: Path) -> None:
    one = batch_of(upload(small, "--to", url, "--json", "--key", "order 17"))
    small = small.rename(small.with_name("moved"))
    assert batch_of(upload(small, "--to", url, "--json", "--key", "order 17")) == one


def test_several_become_a_batch_each_and_a_line_each(
    url: str, here: FolderStore, small: Path, file: Path
) -> None:
    code, said, _ = upload(small, file, "--to", url)
    assert code == 0
    lines = said.splitlines()
    assert [line.partition(": batch ")[0] for line in lines] == [str(small), str(file)]
    assert "0 of 2 photos done" in lines[0]
    assert "0 of 40 photos done" in lines[1]
    assert len(here.keys("batches/")) == 2


def test_it_finds_the_uploader_behind_the_path_of_a_proxy(
    here: FolderStore, around: Surroundings, small: Path
) -> None:
    behind = Starlette(routes=[Mount("/behind/a/proxy", app=make_app(here, around))])
    with serving(behind) as url:
        batch = batch_of(upload(small, "--to", f"{url}/behind/a/proxy/", "--json"))
    assert_only(here, batch, content(small))


def test_one_that_fails_is_told_and_the_others_go_on(
    url: str, around: Surroundings, small: Path, tmp_path: Path
) -> None:
    (tmp_path / "fake.zip").write_bytes(b"no archive at all" * 100)
    with zipfile.ZipFile(tmp_path / "words.zip", "w") as archive:
        archive.writestr("notes.txt", "no photo")
    code, said, told = upload(tmp_path / "fake.zip", tmp_path / "words.zip", small, "--to", url)
    assert code == 1
    assert said.startswith(f"{small}: batch {around.published[0].batch}")
    assert f"{tmp_path / 'fake.zip'}: archive_not_zip" in told
    assert f"{tmp_path / 'words.zip'}: archive_no_photos" in told


def test_a_photo_becomes_a_batch_of_one(url: str, here: FolderStore, small: Path) -> None:
    batch = batch_of(upload(small / "1.jpg", "--to", url, "--json"))
    assert part_of(here, batch).photos == 1


def test_what_the_uploader_refuses_is_told_with_its_code(
    here: FolderStore, around: Surroundings, file: Path
) -> None:
    with serving(make_app(here, around, archive_bytes_max=MIB)) as url:
        code, _, told = upload(file, "--to", url)
    assert code == 1
    assert "archive_too_large" in told
    assert here.keys("") == []


def test_an_archive_that_is_refused_in_the_end_leaves_nothing(
    url: str, here: FolderStore, tmp_path: Path, home: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "words.zip", "w") as archive:
        archive.writestr("notes.txt", "no photo")
    code, _, told = upload(tmp_path / "words.zip", "--to", url)
    assert code == 1
    assert "archive_no_photos" in told
    assert here.keys("") == []
    assert not remembered(home)


def test_an_uploader_that_is_not_there_is_given_up_after_all_patience(small: Path) -> None:
    began = time.monotonic()
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    code, _, told = upload(small, "--to", url, "--patience", 0.05)
    assert code == 1
    assert time.monotonic() - began > 3
    first, *_, last = told.splitlines()
    advice = "Is it running (./ops/up), or elsewhere (--url URL)?"
    assert f"{url}: connection refused. {advice} Trying again for 3 seconds" in first
    assert "uploader_away" in last
    assert f"{url}: connection refused; nothing moved for 3 seconds. {advice}" in last


def test_without_patience_nothing_is_tried_again(small: Path) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    code, _, told = upload(small, "--to", url, "--patience", 0)
    assert code == 1
    (line,) = told.splitlines()
    assert f"({url}: connection refused. Is it running" in line


def test_a_wrong_path_of_the_uploader_is_told_with_the_address(url: str, small: Path) -> None:
    code, _, told = upload(small, "--to", f"{url}/wrong")
    assert code == 1
    assert f"route_unknown: There is nothing at this address. (POST {url}/wrong/" in told


def test_another_server_is_not_taken_for_the_uploader(small: Path) -> None:
    with serving(Starlette()) as url:
        code, _, told = upload(small, "--to", url)
    assert code == 1
    assert "not_the_uploader" in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.zip"], "does not exist"),
        (["empty"], "There is no file in"),
        (["small", "--key", "k", "--anew"], "It names one batch"),
        (["small", "--priority", "11"], "equal to 10"),
        (["small", "--key", "a\nb"], "must be printable text"),
        (["small", "--to", "example.org:8000"], "must begin with http:// or https://"),
        (["small", "--to", "ftp://example.org"], "must begin with http:// or https://"),
        (["small", "--to", "http://"], "name a host"),
    ],
)
def test_a_wrong_usage_is_told(
    small: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(small.parent)
    (small.parent / "empty").mkdir()
    code, _, told = upload(*arguments)
    assert code == 2
    assert sentence in " ".join(told.replace("│", " ").split())


def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    code, _, told = upload(tmp_path / "pipe")
    assert code == 1
    assert "neither file nor folder" in told


# Waiting.


def status_of(
    batch: str, state: progress.BatchState, processed: int = 0, failed: int = 0
) -> progress.Status:
    counts = progress.Counts(processed=processed, total=2, failed=failed)
    return progress.Status(
        batch_id=batch, status=state, image_count=2, progress=counts, progress_percent=0
    )


@pytest.mark.parametrize(("state", "expected"), [("completed", 0), ("cancelled", 1)])
def test_it_waits_for_the_end_of_the_batch(
    url: str, around: Surroundings, small: Path, state: progress.BatchState, expected: int
) -> None:
    process = start(small, "--to", url, "--wait", "--json")
    assert eventually(lambda: around.published, 30)
    batch = around.published[0].batch
    around.known[batch] = status_of(batch, "processing", 1)
    time.sleep(2)
    assert process.poll() is None
    around.known[batch] = status_of(batch, state, 2)
    code, said, _ = end_of(process)
    assert code == expected
    assert json.loads(said)["status"] == state


def test_stopped_while_it_waits_it_waits_for_the_same_batch_again_also_with_anew(
    url: str, around: Surroundings, small: Path
) -> None:
    command = (small, "--to", url, "--wait", "--anew", "--json")
    first = start(*command)
    assert first.stderr
    assert "Uploading small" in first.stderr.readline()
    told = iter(first.stderr.readline, "")
    assert any("is batch" in line for line in told)
    first.send_signal(signal.SIGINT)
    assert end_of(first)[0] == 130
    batch = around.published[0].batch
    around.known[batch] = status_of(batch, "completed", 2, 1)
    code, said, told_again = upload(*command)
    assert code == 0
    assert json.loads(said)["batchId"] == batch
    assert len(around.published) == 1
    assert "Why 1 photo failed: SELECT photo_name, error_code" in told_again
    assert f"batch_id = '{batch}'" in told_again


@pytest.mark.timeout(300)
def test_a_folder_is_uploaded_and_waited_for_until_every_photo_is_done(
    installation: Installation, archive: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "people")
    packed = tmp_path / "packed.zip"
    packed.write_bytes(content(tmp_path / "people"))
    code, said, told = upload(
        tmp_path / "people", "--to", installation.members.uploader.url, "--wait", "--json"
    )
    assert code == 0, told
    status: dict[str, Any] = json.loads(said)
    total = PHOTOS + len(BROKEN)
    assert status["status"] == "completed"
    assert status["progress"] == {"processed": total, "total": total, "failed": len(BROKEN)}
    assert_exact(installation, status["batchId"], packed, failed=len(BROKEN))
