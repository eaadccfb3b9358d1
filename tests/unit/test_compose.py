"""The compose file fits its schema and what the code really has; no Docker is needed to say so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from jsonschema import Draft202012Validator

from connectors.kafka.jars import KAFKA_VERSION
from connectors.objects.minio import MinioStore
from connectors.records.mysql import MysqlRecords
from streamapp import cli
from streamapp.settings import Settings
from streamapp.wiring.stores import object_store, record_store

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.kafka.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("topics", "uploader", "worker")


def interpolated(value: str) -> str:
    """What compose makes of ``${NAME:-default}`` in an empty environment."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def settings_of(service: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in SERVICES[service]["environment"].items():
        monkeypatch.setenv(name, interpolated(value))
    return Settings()


def test_the_file_fits_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests/data/compose-spec.json").read_text())
    Draft202012Validator(schema).validate(COMPOSE)


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting(service: str) -> None:
    known = {name.upper() for name in Settings.model_fields}
    assert set(SERVICES[service]["environment"]) <= known


@pytest.mark.parametrize("service", OURS)
def test_the_settings_are_valid_and_name_the_services(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(service, monkeypatch)
    assert settings.kafka_bootstrap == "kafka:9092"
    assert isinstance(object_store(settings), MinioStore)
    assert isinstance(record_store(settings), MysqlRecords)


@pytest.mark.parametrize("service", OURS)
def test_the_command_exists(service: str) -> None:
    commands = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined] # a group
    assert SERVICES[service]["command"] in commands


def test_all_agree_on_the_topics() -> None:
    topics = {
        (each["environment"]["PARTITIONS"], each["environment"]["REPLICATION_FACTOR"])
        for each in (SERVICES[name] for name in OURS)
    }
    assert len(topics) == 1


def test_nothing_starts_before_the_topics_exist() -> None:
    for name in ("uploader", "worker"):
        wait = SERVICES[name]["depends_on"]["topics"]
        assert wait == {"condition": "service_completed_successfully"}
    assert SERVICES["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_workers_can_be_scaled() -> None:
    worker = SERVICES["worker"]
    assert worker["deploy"]["replicas"] == 2
    assert not {"container_name", "ports", "hostname", "volumes"} & set(worker)
    assert not any("container_name" in service for service in SERVICES.values())


def test_a_worker_can_be_asked_by_the_uploader_and_by_other_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = settings_of("worker", monkeypatch)
    uploader = settings_of("uploader", monkeypatch)
    assert uploader.workers_url == f"http://worker:{worker.worker_port}"
    assert (worker.worker_host, worker.worker_bind) == ("auto", "0.0.0.0")  # noqa: S104
    assert str(worker.worker_port) in worker_ports()


def worker_ports() -> list[str]:
    return [str(port) for port in SERVICES["worker"]["expose"]]


def test_every_service_that_stays_has_a_health_check() -> None:
    assert all("healthcheck" in SERVICES[name] for name in SERVICES if name != "topics")


def test_the_broker_is_the_version_the_tests_run() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_the_image_starts_the_command() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["streamapp"]' in dockerfile
    assert "uv sync --frozen --no-dev" in dockerfile
