"""A whole installation over the real services, uploaders alone, and what they are given."""

from __future__ import annotations

import asyncio
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from connectors.kafka import admin
from connectors.objects.folder import FolderStore
from connectors.objects.minio import MinioStore
from ops.sample.make import make_sample
from streamapp.members import Members
from streamapp.settings import read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics
from tests.e2e.installation import BROKEN, PHOTOS, Installation
from tests.e2e.tus_service import Replica, replica
from tests.e2e.upload_service import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures_minio import MinioAccess


@pytest.fixture
def other_settings() -> dict[str, Any]:
    """Settings of the installation that a test file wants otherwise, by a fixture of this name."""
    return {}


@pytest.fixture
def installation(
    kafka: str,
    minio: MinioAccess,
    mysql_url: str,
    tmp_path: Path,
    other_settings: dict[str, Any],
) -> Iterator[Installation]:
    """An uploader and two workers with a topic prefix, a bucket and a database of their own."""
    name = f"test-{uuid4().hex}"  # also on services that outlive this session
    settings = read_settings(
        data_dir=tmp_path / "data",
        kafka_bootstrap=kafka,
        kafka_prefix=f"{name}.",
        objects_url=f"http://{minio.endpoint}/{name}",
        objects_access_key=minio.access_key,
        objects_secret_key=minio.secret_key,
        records_url=mysql_url,
        **{"worker_concurrency": 1, "photo_time_limit_s": 3} | other_settings,
    )
    object_store(settings).prepare()
    asyncio.run(admin.provision(kafka, topics(settings).specs(), replication_factor=1))
    with Members(settings, workers=2) as members:
        yield Installation(settings, members)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Photos with a face, photos without, and three that are none."""
    path = tmp_path / "photos.zip"
    make_sample(path, photos=PHOTOS)
    with zipfile.ZipFile(path, "a") as opened:
        for name, content in BROKEN.items():
            opened.writestr(name, content)
    return path


@pytest.fixture
def around() -> Surroundings:
    """What stands around an uploader that a test serves itself."""
    return Surroundings()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """A folder for its objects, where a test file has no store of its own."""
    store = FolderStore(tmp_path / "objects")
    store.prepare()
    return store


@pytest.fixture(scope="module")
def running(minio: MinioAccess) -> Iterator[tuple[Replica, MinioStore]]:
    """An uploader in a process of its own and its store, once for a file: it takes seconds."""
    store = MinioStore(**minio._asdict(), bucket=f"test-{uuid4().hex}")
    store.prepare()
    with replica(minio, store._bucket) as uploader:
        yield uploader, store


@pytest.fixture
def uploader(running: tuple[Replica, MinioStore]) -> Replica:
    """That uploader, which a test may kill and start again."""
    return running[0]
