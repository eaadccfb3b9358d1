"""The real uploader's ``/ready``: true when an upload would be taken, and only then."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import psutil
import pytest

from connectors.kafka import admin
from connectors.ports import free_ports
from ops.services.minio import MinioServer, minio_binary
from streamapp.errors import Code
from streamapp.settings import read_settings
from streamapp.wiring.uploader import uploader_app
from streamapp.wiring.values import topics
from tests.e2e.upload_service import eventually, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamapp.settings import Settings


@pytest.fixture
def settings(kafka: str, tmp_path: Path) -> Settings:
    """A folder and a prefix of its own, the topics made."""
    settings = read_settings(
        data_dir=tmp_path, kafka_bootstrap=kafka, kafka_prefix=f"{uuid4().hex}."
    )
    asyncio.run(admin.provision(kafka, topics(settings).specs(), 1))
    return settings


@contextmanager
def uploader(settings: Settings) -> Iterator[str]:
    with serving(uploader_app(settings)) as url:
        assert eventually(lambda: answers(url), 20)
        yield url


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/live").is_success
    except httpx.TransportError:
        return False


def ready(url: str) -> tuple[int, dict[str, Any]]:
    """The status and the services' answers; within the time that the interface promises."""
    began = time.monotonic()
    answer = httpx.get(f"{url}/ready", timeout=20)
    assert time.monotonic() - began < 5
    return answer.status_code, answer.json()["services"]


def test_store_and_topics_make_it_ready(settings: Settings) -> None:
    with uploader(settings) as url:
        assert ready(url) == (200, {"objects": "ok", "kafka": "ok"})
        assert ready(url) == (200, {"objects": "ok", "kafka": "ok"})


def test_missing_topics_are_told(settings: Settings) -> None:
    other = settings.model_copy(update={"kafka_prefix": f"{uuid4().hex}."})
    with uploader(other) as url:
        assert ready(url) == (503, {"objects": "ok", "kafka": Code.TOPICS_MISSING.sentence})
        asyncio.run(admin.provision(other.kafka_bootstrap, topics(other).specs(), 1))
        assert ready(url)[0] == 200


def test_a_kafka_that_is_away_is_told_without_its_address(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{free_ports(1)[0]}"})
    with uploader(away) as url:
        assert ready(url) == (503, {"objects": "ok", "kafka": Code.KAFKA_AWAY.sentence})


def test_a_kafka_that_hangs_is_told_in_time(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with uploader(settings.model_copy(update={"kafka_bootstrap": address})) as url:
            assert ready(url) == (503, {"objects": "ok", "kafka": Code.KAFKA_AWAY.sentence})


def test_it_comes_up_without_its_store_and_is_ready_when_that_is_there(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "objects"
    folder.write_bytes(b"in the way")
    with uploader(settings) as url:
        assert ready(url) == (503, {"objects": Code.STORE_AWAY.sentence, "kafka": "ok"})
        folder.unlink()
        assert ready(url)[0] == 200


def test_a_store_that_vanished_is_told_and_not_made_anew(
    settings: Settings, tmp_path: Path
) -> None:
    with uploader(settings) as url:
        assert ready(url)[0] == 200
        shutil.rmtree(tmp_path / "objects")
        assert ready(url) == (503, {"objects": Code.STORE_AWAY.sentence, "kafka": "ok"})
    assert not (tmp_path / "objects").exists()


def test_looking_leaves_the_files_of_writers_alone(settings: Settings, tmp_path: Path) -> None:
    with uploader(settings) as url:
        unlocked = tmp_path / "objects" / ".incoming" / "new"
        unlocked.write_bytes(b"")
        assert ready(url)[0] == 200
        assert unlocked.exists()


def test_a_minio_that_hangs_is_told_in_time_however_often_one_asks(
    settings: Settings, tmp_path: Path
) -> None:
    with MinioServer(tmp_path / "server", minio_binary()) as server:
        on_minio = settings.model_copy(
            update={
                "objects_url": f"http://{server.endpoint}/ready",
                "objects_access_key": server.access_key,
                "objects_secret_key": type(settings.objects_secret_key)(server.secret_key),
            }
        )
        with uploader(on_minio) as url:
            assert ready(url)[0] == 200
            threads = psutil.Process().num_threads()
            psutil.Process(server.pid).send_signal(signal.SIGSTOP)
            try:
                for _ in range(3):
                    assert ready(url) == (503, {"objects": Code.STORE_AWAY.sentence, "kafka": "ok"})
                assert psutil.Process().num_threads() <= threads + 1
            finally:
                psutil.Process(server.pid).send_signal(signal.SIGCONT)
            assert eventually(lambda: ready(url)[0] == 200)
