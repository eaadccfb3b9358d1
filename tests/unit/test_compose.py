"""The compose file fits its schema and what the code really has; no Docker is needed to say so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer.main
import yaml
from jsonschema import Draft202012Validator

from connectors.kafka.jars import KAFKA_VERSION
from connectors.objects.minio import MinioStore
from connectors.records.mysql import MysqlRecords
from streamapp import cli
from streamapp.settings import Settings, read_settings
from streamapp.wiring.stores import object_store, record_store
from streamapp.wiring.values import topics

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.kafka.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("topics", "uploader", "worker")


def interpolated(value: str) -> str:
    """What compose makes of ``${NAME:-default}`` in an empty environment."""
    inner = re.sub(r"\$\{\w+:-([^${}]*)\}", r"\1", value)
    return inner if inner == value else interpolated(inner)


def settings_of(service: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    with monkeypatch.context() as environment:
        for name, value in SERVICES[service]["environment"].items():
            environment.setenv(name, interpolated(value))
        return read_settings()


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


def test_all_agree_on_topics_that_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made, *used = (settings_of(service, monkeypatch) for service in OURS)
    assert [topics(each).specs() for each in used] == [topics(made).specs()] * 2
    brokers = sum(each["image"].startswith("apache/kafka") for each in SERVICES.values())
    assert made.replication_factor <= brokers
    assert made.partitions == Settings.model_fields["partitions"].default
    assert made.partitions >= SERVICES["worker"]["deploy"]["replicas"]


def test_the_addresses_in_rows_lead_to_the_bucket_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_of("worker", monkeypatch)
    address = urlsplit(object_store(settings).url("crops/a"))
    published = [interpolated(port) for port in SERVICES["minio"]["ports"]]
    assert address.hostname == "localhost"
    assert published == [f"127.0.0.1:{address.port}:{urlsplit(settings.objects_url).port}"]
    assert address.path == urlsplit(settings.objects_url).path + "/crops/a"


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
