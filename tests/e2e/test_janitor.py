"""The janitor over a folder and over MinIO: what is left of an upload is finished, or gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import msgspec
import pytest

from connectors.kafka import admin
from connectors.objects.folder import FolderStore
from connectors.objects.interface import PART_BYTES
from connectors.ports import free_ports
from streamapp.archive import Limits
from streamapp.errors import Code, StreamappError
from streamapp.events import ArchiveStored, encode
from streamapp.keys import archive_key, crop_key, manifest_key, note_key, quota_mark_key, tail_key
from streamapp.settings import environment, read_settings
from streamapp.upload.assembly import assemble
from streamapp.upload.notes import LEASE_S, Note, Resumable
from streamapp.upload.order import Order
from streamapp.upload.reception import UploadLimits
from streamapp.upload.retention import FOR_EVER, Kept
from streamapp.wiring.uploader import janitor_round
from streamapp.wiring.values import topics
from tests.contract.test_kafka_producer import contents
from tests.e2e.test_upload_http import left, zipped
from tests.e2e.test_ways_in import put, status_of
from tests.e2e.upload_service import MIB, Surroundings, eventually, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.interface import UploadStore
    from connectors.objects.minio import MinioStore
    from streamapp.settings import Settings
    from streamapp.upload.janitor import Janitor
    from tests.fixtures_minio import MinioAccess

UPLOAD = "0" * 31 + "1"
BATCH = "0" * 31 + "2"
NOW = 1_700_000_000.0
DAY_S = 86_400.0


@pytest.fixture(params=["folder", "minio"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> UploadStore:
    if request.param == "minio":
        minio_store: MinioStore = request.getfixturevalue("minio_store")
        return minio_store
    folder = FolderStore(tmp_path / "objects")
    folder.prepare()
    return folder


def janitor_of(
    store: UploadStore, around: Surroundings, now: float = NOW, kept: Kept = FOR_EVER
) -> Janitor:
    return assemble(
        objects=store,
        publisher=around,
        progress=around,
        limits=UploadLimits(archive_bytes_max=MIB, archive=Limits()),
        kept=kept,
        clock=lambda: now,
    ).janitor


def add_note(store: UploadStore, *, expires_at: float = NOW, **values: object) -> Note:
    note = Note(upload=UPLOAD, archive=archive_key(UPLOAD), expires_at=expires_at)
    note = msgspec.structs.replace(note, **values)
    store.put(note_key(note.upload), msgspec.json.encode(note), "")
    return note


def add_manifest(store: UploadStore, batch: str = BATCH) -> ArchiveStored:
    part = ArchiveStored(
        batch=batch,
        project="p1",
        priority=5,
        archive=archive_key(UPLOAD),
        archive_bytes=3,
        name="",
        photos=1,
        stored_at=NOW,
    )
    store.put(manifest_key(batch), encode(part), "")
    return part


# By its notes.


async def test_an_upload_over_its_time_leaves_nothing(
    store: UploadStore, around: Surroundings
) -> None:
    mark = quota_mark_key("p1", archive_key(UPLOAD), 3)
    add_note(store, batch=BATCH, mark=mark)
    for key in (archive_key(UPLOAD), mark):
        store.put(key, b"zip", "")
    done = await janitor_of(store, around).round()
    assert done["uploads removed"] == 1
    assert store.keys("") == []
    assert around.published == []


async def test_an_upload_in_its_time_is_left_alone(
    store: UploadStore, around: Surroundings
) -> None:
    add_note(store, expires_at=NOW + 0.1)
    store.put(archive_key(UPLOAD), b"zip", "")
    assert not any((await janitor_of(store, around).round()).values())
    assert len(store.keys("")) == 2


async def test_what_was_taken_in_but_not_published_is_published(
    store: UploadStore, around: Surroundings
) -> None:
    add_note(store, batch=BATCH)
    store.put(archive_key(UPLOAD), b"zip", "")
    part = add_manifest(store)
    assert (await janitor_of(store, around).round())["uploads published"] == 1
    assert around.published == [part]
    assert store.keys("") == [archive_key(UPLOAD), manifest_key(BATCH)]


@pytest.mark.parametrize(("due_at", "published"), [(NOW, 1), (NOW + 0.1, 0)])
async def test_what_was_taken_in_is_published_long_before_its_time_is_over(
    store: UploadStore, around: Surroundings, due_at: float, published: int
) -> None:
    add_note(store, batch=BATCH, due_at=due_at, expires_at=NOW + 3600)
    add_manifest(store)
    assert (await janitor_of(store, around).round())["uploads published"] == published


async def test_what_may_still_be_taken_in_is_kept_for_its_whole_time(
    store: UploadStore, around: Surroundings
) -> None:
    add_note(store, batch=BATCH, due_at=NOW, expires_at=NOW + 3600)
    store.put(archive_key(UPLOAD), b"zip", "")
    assert not any((await janitor_of(store, around).round()).values())
    assert len(store.keys("")) == 2


async def test_a_resumable_upload_over_its_time_leaves_nothing(
    store: UploadStore, around: Surroundings
) -> None:
    token = store.begin_parts(archive_key(UPLOAD), "application/zip")
    store.put_part(archive_key(UPLOAD), token, 1, bytes(PART_BYTES))
    store.put(tail_key(UPLOAD, 2), b"tail", "")
    order = Order(project="p1")
    add_note(store, resumable=Resumable(token=token, length=PART_BYTES * 2, order=order))
    await janitor_of(store, around).round()
    assert store.keys("") == []
    with pytest.raises(StreamappError) as over:
        store.parts(archive_key(UPLOAD), token)
    assert over.value.code is Code.OBJECT_MISSING


async def test_what_is_borrowed_stays(store: UploadStore, around: Surroundings) -> None:
    store.put("deliveries/may.zip", b"zip", "")
    add_note(store, archive="deliveries/may.zip", borrowed=True, batch=BATCH)
    await janitor_of(store, around).round()
    assert store.keys("") == ["deliveries/may.zip"]


async def test_tails_without_a_note_go_and_those_with_one_stay(
    store: UploadStore, around: Surroundings
) -> None:
    add_note(store, expires_at=NOW + 1)
    for key in (tail_key(UPLOAD, 3), tail_key(BATCH, 1), tail_key(BATCH, 2)):
        store.put(key, b"tail", "")
    assert (await janitor_of(store, around).round())["strays removed"] == 1
    assert store.keys("") == [note_key(UPLOAD), tail_key(UPLOAD, 3)]


async def test_a_broken_note_does_not_keep_the_others(
    store: UploadStore, around: Surroundings
) -> None:
    store.put(note_key("0" * 32), b"no note", "")
    add_note(store)
    await janitor_of(store, around).round()
    assert store.keys("") == [note_key("0" * 32)]


async def test_many_janitors_at_once_do_no_more_than_one(
    store: UploadStore, around: Surroundings
) -> None:
    for number in range(20):
        upload = f"{number:032x}"
        add_note(store, upload=upload, archive=archive_key(upload))
        store.put(archive_key(upload), b"zip", "")
    await asyncio.gather(*(janitor_of(store, around).round() for _ in range(4)))
    assert store.keys("") == []


async def test_while_kafka_is_away_the_round_ends_and_the_next_goes_on(
    store: UploadStore, around: Surroundings
) -> None:
    add_note(store, batch=BATCH)
    part = add_manifest(store)
    around.kafka_fault = StreamappError(Code.KAFKA_AWAY)
    janitor = janitor_of(store, around)
    with pytest.raises(StreamappError):
        await janitor.round()
    assert store.keys("") == [manifest_key(BATCH), note_key(UPLOAD)]
    around.kafka_fault = None
    await janitor.round()
    assert around.published == [part]


# What was kept long enough.


async def test_old_batches_go_and_free_the_quota_of_their_project(
    store: UploadStore, around: Surroundings
) -> None:
    app = make_app(store, around, project_archive_bytes_max=MIB)
    with serving(app) as url:
        ended, running, joined = (put(url, zipped()).json()["batchId"] for _ in range(3))
        put(url, zipped(), batchId=joined)
    for batch in (ended, running, joined):
        around.known[batch] = status_of(batch, "completed")
        for index in range(3):
            store.put(crop_key(batch, index), b"crop", "image/jpeg")
    around.known[running] = status_of(running, "processing")
    kept = Kept(archives_s=DAY_S, crops_s=2 * DAY_S)

    def remaining() -> list[str]:
        return sorted(key.partition("/")[0] for key in store.keys(""))

    await janitor_of(store, around, time.time() + 0.9 * DAY_S, kept).round()
    assert remaining() == [*["archives"] * 4, *["batches"] * 4, *["crops"] * 9, *["projects"] * 4]
    done = await janitor_of(store, around, time.time() + 1.1 * DAY_S, kept).round()
    assert (done["old archives"], done["old crops"]) == (3, 0)
    assert remaining() == ["archives", "batches", *["crops"] * 9, "projects"]
    done = await janitor_of(store, around, time.time() + 2.1 * DAY_S, kept).round()
    assert (done["old archives"], done["old crops"]) == (0, 6)
    assert store.keys("crops/") == [crop_key(running, index) for index in range(3)]


# In an uploader.


def test_after_kafka_was_away_an_uploader_publishes_within_an_interval(
    tmp_path: Path, around: Surroundings
) -> None:
    store = FolderStore(tmp_path)
    store.prepare()
    around.kafka_fault = StreamappError(Code.KAFKA_AWAY)
    with serving(make_app(store, around, janitor_interval_s=0.2)) as url:
        batch = put(url, zipped()).json()["batchId"]
        time.sleep(0.5)  # rounds that fail
        around.kafka_fault = None
        assert eventually(lambda: around.published, 5)
        assert eventually(lambda: len(left(store)) == 2)
    assert {event.batch for event in around.published} == {batch}


def test_an_uploader_cleans_up_soon_after_its_start(tmp_path: Path, around: Surroundings) -> None:
    store = FolderStore(tmp_path)
    store.prepare()
    add_note(store)
    with serving(make_app(store, around, janitor_interval_s=3600)):
        assert eventually(lambda: store.keys("") == [])


# As a command.


def test_the_command_goes_round_once_and_tells_what_it_did(tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path, objects_url="")
    store = FolderStore(tmp_path / "objects")
    store.prepare()
    add_note(store)
    done = subprocess.run(
        [sys.executable, "-m", "streamapp", "janitor"],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[0].split() == ["1", "uploads", "removed"]
    assert store.keys("") == []


def test_the_command_fails_when_the_store_is_away(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streamapp", "janitor"],
        env=environment(read_settings(data_dir=tmp_path, objects_url="")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "store_away" in done.stderr


# After a kill, over real services.


@contextmanager
def uploader(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """``streamapp serve`` as a process of its own, answering."""
    command = [sys.executable, "-m", "streamapp", "serve"]
    with subprocess.Popen(command, env=environment(settings)) as process:
        try:
            url = f"http://127.0.0.1:{settings.upload_port}/live"
            assert eventually(lambda: answers(url), 90)
            yield process
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def settings(minio: MinioAccess, minio_store: MinioStore, tmp_path: Path) -> Settings:
    """Over the bucket of ``minio_store``, with a Kafka that is away."""
    bucket = minio_store.url("x").rpartition("/")[0]
    upload_port, kafka_port = free_ports(2)
    return read_settings(
        data_dir=tmp_path / "data",
        kafka_bootstrap=f"127.0.0.1:{kafka_port}",
        kafka_prefix=f"test-{uuid4().hex}.",
        objects_url=bucket,
        objects_access_key=minio.access_key,
        objects_secret_key=minio.secret_key,
        upload_port=upload_port,
        partitions=1,
    )


def unfinished(store: MinioStore) -> list[str]:
    """The multipart uploads that are open for what the notes name."""
    archives = [archive_of(store, note) for note in store.keys("incoming/")]
    return [one for key in archives for one in store._uploads._requests.open_uploads(key)]


def archive_of(store: MinioStore, note: str) -> str:
    return msgspec.json.decode(store.read(note, 0, MIB), type=Note).archive


def test_what_a_killed_uploader_leaves_is_gone_after_its_lease(
    settings: Settings, minio_store: MinioStore, around: Surroundings
) -> None:
    with uploader(settings) as process, socket.socket() as client:
        client.connect(("127.0.0.1", settings.upload_port))
        head = "PUT /api/batch/archives/a.zip?projectId=p1 HTTP/1.1\r\nHost: x\r\n"
        head += f"Content-Length: {100 * MIB}\r\n\r\n"
        client.sendall(head.encode())
        for _ in range(40):
            client.sendall(os.urandom(MIB))
        assert eventually(lambda: unfinished(minio_store), 60)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    (note,) = minio_store.keys("")
    archive = archive_of(minio_store, note)
    requests = minio_store._uploads._requests
    assert requests.open_uploads(archive), "the killed one left an open upload"

    asyncio.run(janitor_of(minio_store, around, time.time() + LEASE_S / 2).round())
    assert minio_store.keys("") == [note], "within the lease it may still be at work elsewhere"
    asyncio.run(janitor_of(minio_store, around, time.time() + LEASE_S + 1).round())
    assert minio_store.keys("") == []
    assert requests.open_uploads(archive) == []


def test_a_batch_taken_in_while_kafka_was_away_is_published_by_whoever_comes(
    settings: Settings, minio_store: MinioStore, kafka: str
) -> None:
    with uploader(settings):
        answer = httpx.put(
            f"http://127.0.0.1:{settings.upload_port}/api/batch/archives/a.zip",
            params={"projectId": "p1"},
            content=zipped(),
            timeout=60,
        )
        assert answer.status_code == 200
        batch = answer.json()["batchId"]
    later = settings.model_copy(update={"kafka_bootstrap": kafka})
    asyncio.run(admin.provision(kafka, topics(later).specs(), replication_factor=1))
    done = asyncio.run(janitor_round(later))
    assert done["uploads published"] == 1
    found = asyncio.run(contents(kafka, topics(later).archives, 1))
    assert list(found) == [batch.encode()]
    assert minio_store.keys("incoming/") == []
