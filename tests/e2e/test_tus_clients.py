"""Resumable uploads by clients that others wrote, over a broken wire, into a killed uploader."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from ops.services.tus_js import tus_js_modules
from tests.e2e.test_tus import assert_taken_in
from tests.e2e.tus_service import Replica, Wire, archive_of
from tests.e2e.upload_service import MIB

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.objects.minio import MinioStore


ARCHIVE = archive_of(60)
METADATA = {"projectId": "p1", "priority": "2", "externalId": "x-1"}


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


def by_javascript(file: Path, endpoint: str, chunk_bytes: int) -> str:
    """The batch's id, as tus-js-client was told it."""
    script = Path(__file__).with_name("tus_upload.js")
    done = subprocess.run(
        ["node", script, file, endpoint, str(chunk_bytes), json.dumps(METADATA)],
        env={**os.environ, "NODE_PATH": str(tus_js_modules())},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (batch,) = json.loads(done.stdout)["batches"]
    return str(batch)


def by_python(file: Path, endpoint: str, chunk_bytes: int) -> str:
    """The same by tuspy, which is started again with the upload's address after each fault."""
    at = None
    with file.open("rb") as stream:
        while True:
            try:
                uploader = TusClient(endpoint).uploader(
                    file_stream=stream,
                    url=at,
                    chunk_size=chunk_bytes or len(ARCHIVE),
                    metadata={"filename": file.name, **METADATA},
                )
                uploader.upload()
            except (TusCommunicationError, requests.RequestException):
                at = uploader.url
            else:
                return str(uploader.url).rpartition("/")[2]


clients = pytest.mark.parametrize("upload", [by_javascript, by_python])
chunks = pytest.mark.parametrize("chunk_bytes", [0, 3 * MIB])


@clients
@chunks
def test_a_client_uploads_an_archive(
    uploader: Replica,
    store: MinioStore,
    file: Path,
    upload: Callable[[Path, str, int], str],
    chunk_bytes: int,
) -> None:
    batch = upload(file, f"{uploader.url}/api/batch/uploads", chunk_bytes)
    assert_taken_in(store, batch, ARCHIVE)


@clients
@chunks
def test_a_client_goes_on_after_cuts(
    uploader: Replica,
    store: MinioStore,
    file: Path,
    upload: Callable[[Path, str, int], str],
    chunk_bytes: int,
) -> None:
    plan = [(at * MIB, Wire.cut) for at in (5, 21, 22, 50)]
    with Wire(uploader.port, plan) as wire:
        batch = upload(file, f"{wire.url}/api/batch/uploads", chunk_bytes)
    assert_taken_in(store, batch, ARCHIVE)
    assert wire.bytes_up > len(ARCHIVE)  # something was sent again


@clients
@chunks
def test_a_client_goes_on_after_the_uploader_was_killed(
    uploader: Replica,
    store: MinioStore,
    file: Path,
    upload: Callable[[Path, str, int], str],
    chunk_bytes: int,
) -> None:
    plan = [(at * MIB, lambda _: uploader.restart()) for at in (12, 45)]
    with Wire(uploader.port, plan) as wire:
        batch = upload(file, f"{wire.url}/api/batch/uploads", chunk_bytes)
    assert_taken_in(store, batch, ARCHIVE)
    assert wire.bytes_up < len(ARCHIVE) + 2 * 24 * MIB  # two parts and what the sockets held
