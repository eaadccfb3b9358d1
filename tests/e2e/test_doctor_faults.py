"""What ``streamapp doctor`` finds where a service is there, and otherwise than it must be."""

from __future__ import annotations

import asyncio
import json
import subprocess
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from time import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from minio import Minio

from connectors.kafka import admin
from streamapp.doctor.machine import disk
from streamapp.settings import Settings, read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics
from tests.e2e.doctoring import doctor
from tests.e2e.test_cli import streamapp
from tests.fixtures_mariadb import execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures_minio import MinioAccess


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(data_dir=tmp_path, kafka_bootstrap="127.0.0.1:9", partitions=2)


def test_topics_that_are_missing_or_others_are_told_and_too_few_brokers(
    kafka: str, settings: Settings
) -> None:
    ours = settings.model_copy(
        update={"kafka_bootstrap": kafka, "kafka_prefix": f"test-{uuid4().hex}."}
    )
    verdict, found, advice = doctor(ours).said("topics")
    assert (verdict, advice) == ("fail", "Run: streamapp topics")
    assert found.startswith("topics_missing: ")
    asyncio.run(admin.provision(kafka, topics(ours).specs(), replication_factor=1))
    other = ours.model_copy(update={"partitions": 3, "replication_factor": 2})
    told = doctor(other)
    assert "has 2 partitions, 3 are wanted" in told.said("topics")[1]
    assert "set PARTITIONS" in told.said("topics")[2]
    assert told.said("kafka")[0] == "fail"
    assert "Set REPLICATION_FACTOR to 1" in told.said("kafka")[2]
    assert doctor(ours).said("topics")[0] == "ok"


def test_a_store_that_refuses_is_told_with_what_it_refuses(
    minio: MinioAccess, settings: Settings
) -> None:
    bucket = f"test-{uuid4().hex}"
    fine = settings.model_copy(
        update={
            "objects_url": f"http://{minio.endpoint}/{bucket}",
            "objects_access_key": minio.access_key,
        }
    )
    fine = read_settings(**fine.model_dump() | {"objects_secret_key": minio.secret_key})
    verdict, found, advice = doctor(fine).said("objects")
    assert verdict == "warn"
    assert "NoSuchBucket" in found
    assert "makes it" in advice
    object_store(fine).prepare()
    assert doctor(fine).said("objects")[0] == "ok"

    wrong = read_settings(**fine.model_dump() | {"objects_secret_key": "wrong-wrong"})
    verdict, found, advice = doctor(wrong).said("objects")
    assert verdict == "fail"
    assert "cannot write: " in found
    assert "SignatureDoesNotMatch" in found
    assert "SECRET_KEY" in advice

    # Whoever has no key may write and read, but not remove.
    client = Minio(
        minio.endpoint, access_key=minio.access_key, secret_key=minio.secret_key, secure=False
    )
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }
    client.set_bucket_policy(bucket, json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    anybody = read_settings(
        **fine.model_dump() | {"objects_access_key": "", "objects_secret_key": ""}
    )
    verdict, found, _ = doctor(anybody).said("objects")
    assert verdict == "fail"
    assert "cannot remove: " in found
    assert "AccessDenied" in found


def test_a_database_without_schema_without_rights_or_with_another_password_is_told(
    mysql_url: str, settings: Settings
) -> None:
    def look(url: str) -> tuple[str, str, str]:
        return doctor(read_settings(**settings.model_dump() | {"records_url": url})).said("records")

    verdict, found, advice = look(mysql_url)
    assert verdict == "warn"
    assert "batches" in found
    assert "streamapp migrate" in advice
    assert streamapp("migrate", env={"RECORDS_URL": mysql_url})[0] == 0
    assert look(mysql_url)[0] == "ok"
    assert execute(mysql_url, "SELECT * FROM batches") == []

    parts = urlsplit(mysql_url)
    address = f"{parts.hostname}:{parts.port}{parts.path}"
    user, database = f"u{uuid4().hex[:12]}", parts.path.strip("/")
    execute(mysql_url, f"CREATE USER '{user}'@'%' IDENTIFIED BY 'hushhush'")
    try:
        execute(mysql_url, f"GRANT SELECT ON {database}.* TO '{user}'@'%'")
        verdict, found, _ = look(f"mysql://{user}:hushhush@{address}")
        assert verdict == "fail"
        assert "denied" in found
        verdict, found, advice = look(f"mysql://{user}:wrong@{address}")
        assert verdict == "fail"
        assert "Access denied" in found
        assert "RECORDS_URL" in advice
    finally:
        execute(mysql_url, f"DROP USER '{user}'@'%'")


@contextmanager
def answering(ahead_s: int = 0, status: int = 200, body: bytes = b"{}") -> Iterator[str]:
    """The address of a server with a clock of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Date", formatdate(time() + ahead_s, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("ahead_s", "verdict", "words"),
    [
        (0, "ok", "agrees with the uploader"),
        (45, "warn", "s ahead of ours"),
        (-3600, "fail", "s behind ours"),
    ],
)
def test_a_clock_that_goes_otherwise_is_told(
    settings: Settings, ahead_s: int, verdict: str, words: str
) -> None:
    with answering(ahead_s) as url:
        said = doctor(settings, url).said("clock")
    assert said[0] == verdict
    assert words in said[1]


def test_an_uploader_that_takes_nothing_tells_which_service_it_misses(settings: Settings) -> None:
    body = b'{"success": false, "services": {"objects": "ok", "kafka": "Kafka does not answer."}}'
    with answering(0, 503, body) as url:
        said = doctor(settings, url).said("uploader")
    assert said[:2] == ("fail", f"{url} takes no upload: kafka: Kafka does not answer.")


def test_what_is_no_data_folder_or_a_full_disk_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    inside = settings.model_copy(update={"data_dir": tmp_path / "file" / "data"})
    verdict, _, advice = doctor(inside).said("disk")
    assert verdict == "fail"
    assert "DATA_DIR" in advice

    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        assert disk(small / "data").verdict == "fail"
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_settings_that_are_not_allowed_are_all_that_is_told_and_a_near_miss_is_a_warning(
    settings: Settings,
) -> None:
    told = doctor(settings, PARTITIONS="none")
    assert told.code == 1
    assert list(told.lines) == ["settings"]
    assert "PARTITIONS: " in told.said("settings")[1]
    assert "streamapp config" in told.said("settings")[2]
    verdict, found, _ = doctor(settings, PARTITION="4").said("settings")
    assert (verdict, found) == ("warn", "PARTITION is none, PARTITIONS may be meant")
