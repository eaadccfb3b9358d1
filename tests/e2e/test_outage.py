"""Services that go away in mid-batch: the work waits, no photo fails for it, and it resumes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from ops.services.mariadb import MariadbServer
from ops.services.minio import MinioServer, minio_binary
from tests.e2e.installation import BROKEN, assert_exact
from tests.e2e.outages import Memory, filled, frozen, wait_until_away, wait_until_ready
from tests.fixtures_mariadb import connect
from tests.fixtures_minio import MinioAccess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.installation import Installation

HANGS_S = 8.0
DISK_BYTES = 256 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, small enough to be filled."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def server(disk: Path) -> Iterator[MinioServer]:
    with MinioServer(disk / "minio", minio_binary()) as running:
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


def begun(installation: Installation, archive: Path) -> str:
    """A batch of which some photos are done and others are not."""
    batch: str = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["progress"]["processed"] > 0)
    return batch


def assert_completed(installation: Installation, batch: str, archive: Path) -> None:
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    wait_until_ready(installation.members)
    assert_exact(installation, batch, archive, failed=len(BROKEN))


def test_an_object_store_that_hangs_and_one_that_is_restarted_fail_no_photo(
    installation: Installation, archive: Path, server: MinioServer
) -> None:
    batch = installation.upload(archive)["batchId"]
    seen = installation.wait_for(batch, lambda status: status["progress"]["processed"] > 0)
    memory = Memory(installation.members)
    with frozen(server.pid):
        time.sleep(HANGS_S)
    server.stop()
    wait_until_away(installation.members, "objects")
    server.start()
    seen += installation.wait_for(batch, lambda status: status["status"] == "completed")
    assert seen == sorted(seen), "progress went backwards"
    assert_completed(installation, batch, archive)
    memory.assert_flat()


def test_an_object_store_whose_disk_is_full_fails_no_photo(
    installation: Installation, archive: Path, disk: Path
) -> None:
    with ExitStack() as full:
        with ExitStack() as asleep:  # so that it is full before they have put any crop
            for worker in installation.members.workers:
                asleep.enter_context(frozen(worker.daemon.pid))
            batch = installation.upload(archive)["batchId"]
            full.enter_context(filled(disk))
        wait_until_away(installation.members, "objects")
    assert_completed(installation, batch, archive)


def test_a_database_that_is_killed_loses_no_row_and_holds_up_no_photo(
    installation: Installation, archive: Path, database: MariadbServer
) -> None:
    os.kill(database.pid, signal.SIGKILL)
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    wait_until_away(installation.members, "records")
    database.start()
    assert_completed(installation, batch, archive)


def test_a_database_that_takes_no_rows_loses_none(
    installation: Installation, archive: Path, database: MariadbServer
) -> None:
    batch = begun(installation, archive)
    with connect(database.url) as holder, holder.cursor() as cursor:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        more = installation.upload(archive)["batchId"]
        wait_until_away(installation.members, "records")
    assert_completed(installation, batch, archive)
    assert_completed(installation, more, archive)
