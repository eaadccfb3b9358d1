"""A whole installation over the real services, and an archive to give it."""

from __future__ import annotations

import asyncio
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from connectors.kafka import admin
from ops.sample.make import make_sample
from streamapp.members import Members
from streamapp.settings import read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics
from tests.e2e.installation import BROKEN, PHOTOS, Installation

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
        worker_concurrency=1,
        photo_time_limit_s=3,
        **other_settings,
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
