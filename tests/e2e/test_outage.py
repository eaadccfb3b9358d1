"""Services that go away in mid-batch: the work waits, no photo fails for it, and it resumes."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ops.services.mariadb import MariadbServer
from ops.services.minio import MinioServer, minio_binary
from tests.e2e.installation import BROKEN, assert_exact
from tests.fixtures_minio import MinioAccess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.installation import Installation

AWAY_S = 8.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MinioServer]:
    with MinioServer(tmp_path / "minio", minio_binary()) as running:
        yield running


@pytest.fixture
def minio(server: MinioServer) -> MinioAccess:
    """A MinIO of this test's own, in the place of the session's."""
    return MinioAccess(server.endpoint, server.access_key, server.secret_key)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[MariadbServer]:
    with MariadbServer(tmp_path / "mariadb") as running:
        yield running


@pytest.fixture
def mysql_url(database: MariadbServer) -> str:
    """A MariaDB of this test's own, in the place of the session's."""
    return database.url


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process takes connections and answers nothing: what a client sees of a hung disk."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_an_object_store_that_hangs_and_one_that_is_restarted_fail_no_photo(
    installation: Installation, archive: Path, server: MinioServer
) -> None:
    batch = installation.upload(archive)["batchId"]
    seen = installation.wait_for(batch, lambda status: status["progress"]["processed"] > 0)
    with frozen(server.pid):
        time.sleep(AWAY_S)
    server.stop()
    time.sleep(AWAY_S / 2)
    server.start()
    seen += installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen), "progress went backwards"
    assert_exact(installation, batch, archive, failed=len(BROKEN))


def test_a_database_that_is_away_loses_no_row_and_holds_up_no_photo(
    installation: Installation, archive: Path, database: MariadbServer
) -> None:
    batch = installation.upload(archive)["batchId"]
    database.stop()
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    database.start()
    assert_exact(installation, batch, archive, failed=len(BROKEN))
