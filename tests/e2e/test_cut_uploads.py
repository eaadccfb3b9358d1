"""A hundred uploads cut at random places: resumed ones are exact, of the others nothing remains."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from connectors.records.sqlite import SqliteRecords
from streamapp.errors import Code
from streamapp.keys import archive_key, manifest_key
from streamapp.upload.app import create_app
from streamapp.upload.batch_ids import ENTROPY_BYTES, batch_id
from streamapp.upload.janitor import FIRST_S
from streamapp.upload.reception import UploadLimits
from streamapp.upload.resumable import LIFE_S
from tests.e2e.test_tus import TUS, created, offset_of, patch
from tests.e2e.tus_service import archive_of
from tests.e2e.upload_service import ARCHIVE_LIMITS, MIB, Surroundings, eventually, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.minio import MinioStore

UPLOADS = 100
SEED = 20_261_125
PHOTOS_MAX = 18
"""Of 1 MiB: up to two whole parts and a third."""


class Clock:
    """The uploader's time, which the test moves on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Service(NamedTuple):
    url: str
    clock: Clock
    around: Surroundings


@pytest.fixture
def service(minio_store: MinioStore) -> Iterator[Service]:
    clock, around, rng = Clock(), Surroundings(), random.Random(SEED)  # noqa: S311 - ids of a test
    app = create_app(
        objects=minio_store,
        records=SqliteRecords(Path(":memory:")),
        publisher=around,
        progress=around,
        load=around,
        replays=around,
        readiness=around,
        limits=UploadLimits(archive_bytes_max=64 * MIB, archive=ARCHIVE_LIMITS),
        clock=clock,
        new_batch_id=lambda: batch_id(now_s=time.time(), entropy=rng.randbytes(ENTROPY_BYTES)),
        janitor_interval_s=FIRST_S / 4,
    )
    with serving(app) as url:
        yield Service(url, clock, around)


def cut(url: str, head: str, data: bytes, *, reset: bool) -> None:
    """Send the head of a request and ``data``, less than it promised, and go away."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(head.encode() + b"\r\n\r\n" + data)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def cut_patch(at: str, offset: int, archive: bytes, until: int, *, reset: bool) -> None:
    address = urlsplit(at)
    head = (
        f"PATCH {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nTus-Resumable: 1.0.0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n"
        f"Content-Length: {len(archive) - offset}"
    )
    cut(at, head, archive[offset:until], reset=reset)


def cut_put(url: str, archive: bytes, until: int, *, reset: bool) -> None:
    head = (
        "PUT /api/batch/archives/a.zip?projectId=p1 HTTP/1.1\r\nHost: x\r\n"
        f"Content-Length: {len(archive)}"
    )
    cut(url, head, archive[:until], reset=reset)


def resume(client: httpx.Client, at: str, archive: bytes) -> str:
    """Send the rest, as clients do, and return the batch."""
    for _ in range(10):
        offset = offset_of(client, at)
        done = patch(client, at, offset, archive[offset:])
        if done.status_code == 204:
            return done.headers["Streamapp-Batch-Id"]
        # What was cut may be noticed late: then the upload stands elsewhere by now.
        assert done.status_code == Code.UPLOAD_OFFSET.status, done.text
    raise AssertionError(done.text)


def upload_of(at: str) -> str:
    return at.rpartition("/")[2].partition("-")[0]


def unfinished(store: MinioStore, at: str) -> int:
    key = archive_key(upload_of(at))
    return len(store._client._list_multipart_uploads(store._bucket, prefix=key).uploads)


@pytest.mark.timeout(300)
def test_cut_uploads_are_exact_when_resumed_and_gone_when_not(
    service: Service, minio_store: MinioStore
) -> None:
    rng = random.Random(SEED)  # noqa: S311 - places to cut at
    archives = {photos: archive_of(photos) for photos in range(1, PHOTOS_MAX + 1)}
    resumed: dict[str, bytes] = {}
    dropped: list[str] = []
    with httpx.Client(base_url=service.url, headers=TUS, timeout=60) as client:
        for number in range(UPLOADS):
            archive = archives[rng.randint(1, PHOTOS_MAX)]
            if number % 5 == 4:  # a body in one piece: nobody can resume it
                cut_put(service.url, archive, rng.randrange(len(archive)), reset=rng.random() < 0.5)
                continue
            at, offset = created(client, len(archive)), 0
            for _ in range(rng.randint(1, 3)):
                until = rng.randrange(offset, len(archive))
                cut_patch(at, offset, archive, until, reset=rng.random() < 0.5)
                offset = offset_of(client, at)
                assert offset <= until
            if number % 5 < 2:
                dropped.append(at)
                continue
            resumed[resume(client, at, archive)] = archive

    service.clock.ahead_s = LIFE_S + 60
    expected = {key for batch in resumed for key in (archive_key(batch), manifest_key(batch))}
    assert eventually(lambda: set(minio_store.keys("")) == expected, 30), (
        set(minio_store.keys("")) ^ expected
    )
    assert sum(unfinished(minio_store, at) for at in dropped) == 0
    published = Counter(event.batch for event in service.around.published)
    assert published == dict.fromkeys(resumed, 1)
    for batch, archive in resumed.items():
        assert minio_store.read(archive_key(batch), 0, len(archive) + 1) == archive
    assert len(resumed) == 40
    assert len(dropped) == 40
