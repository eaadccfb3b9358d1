"""A real MinIO for tests: one server a session, one bucket a test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from connectors.objects.minio import MinioStore
from ops.services.minio import MinioServer, minio_binary

if TYPE_CHECKING:
    from collections.abc import Iterator


class MinioAccess(NamedTuple):
    endpoint: str
    access_key: str
    secret_key: str


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioAccess]:
    """The server named by STREAMAPP_TEST_MINIO (http://key:secret@host:port), or a private one."""
    if given := os.environ.get("STREAMAPP_TEST_MINIO"):
        url = urlsplit(given)
        yield MinioAccess(f"{url.hostname}:{url.port}", url.username or "", url.password or "")
        return
    with MinioServer(tmp_path_factory.mktemp("minio"), minio_binary()) as server:
        yield MinioAccess(server.endpoint, server.access_key, server.secret_key)


@pytest.fixture
def minio_store(minio: MinioAccess) -> MinioStore:
    """A store in a bucket of its own."""
    store = MinioStore(**minio._asdict(), bucket=f"test-{uuid4().hex}")
    store.prepare()
    return store
