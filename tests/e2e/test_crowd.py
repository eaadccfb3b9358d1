"""Uploads at once beside a client that trickles: all are taken, and memory does not grow."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from connectors.kafka import admin
from ops.bench.archives import make_archive
from ops.bench.process import peak_mib, written_bytes
from ops.bench.sending import Trickle, send
from streamapp.members import Members
from streamapp.settings import read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamapp.settings import Settings
    from tests.fixtures_minio import MinioAccess

UPLOADS = 4
SMALL_BYTES = 60_000_000
LARGE_BYTES = 250_000_000
GROWTH_MIB_MAX = 40.0
"""Of four uploads; what one more part of each would take."""


@pytest.fixture
def settings(kafka: str, minio: MinioAccess, tmp_path: Path) -> Settings:
    name = f"test-{uuid4().hex}"
    settings = read_settings(
        data_dir=tmp_path / "data",
        kafka_bootstrap=kafka,
        kafka_prefix=f"{name}.",
        objects_url=f"http://{minio.endpoint}/{name}",
        objects_access_key=minio.access_key,
        objects_secret_key=minio.secret_key,
    )
    object_store(settings).prepare()
    asyncio.run(admin.provision(kafka, topics(settings).specs(), replication_factor=1))
    return settings


@pytest.fixture
def uploader(settings: Settings) -> Iterator[tuple[str, int]]:
    """An uploader's address and process id."""
    with Members(settings, workers=0) as members:
        yield members.uploader.url, members.uploader.daemon.pid


def test_uploads_at_once_are_all_taken_with_flat_memory(
    uploader: tuple[str, int], settings: Settings, tmp_path: Path
) -> None:
    url, pid = uploader
    small, large = tmp_path / "small.zip", tmp_path / "large.zip"
    make_archive(small, SMALL_BYTES)
    make_archive(large, LARGE_BYTES)
    slow = Trickle(url)
    slow.start()

    def crowd(archive: Path) -> float:
        with ThreadPoolExecutor(UPLOADS) as threads:
            uploads = list(threads.map(lambda _: send(url, archive), range(UPLOADS)))
        store = object_store(settings)
        for upload in uploads:
            assert store.size(f"archives/{upload.batch}.zip") == archive.stat().st_size
        assert len({upload.batch for upload in uploads}) == UPLOADS
        return peak_mib(pid)

    before = written_bytes(pid)
    growth = -crowd(small) + crowd(large)
    assert slow.is_alive(), "it trickled all the time"
    assert growth < GROWTH_MIB_MAX
    assert written_bytes(pid) - before < small.stat().st_size / 10, "a log at most, no spool"
