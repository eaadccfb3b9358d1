"""``streamapp doctor`` beside an installation that runs, and where nothing does."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from connectors.kafka import admin
from connectors.ports import free_ports
from streamapp.doctor.finding import LIMIT_S
from streamapp.settings import environment, read_settings
from streamapp.wiring.stores import object_store, record_store
from streamapp.wiring.values import topics
from tests.e2e.doctoring import doctor
from tests.e2e.terminal import on_terminal
from tests.e2e.test_cli import streamapp

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.records.interface import BatchRecord
    from streamapp.settings import Settings
    from tests.e2e.installation import Installation

CHECKS = [
    "settings",
    "versions",
    "model",
    "disk",
    "kafka",
    "topics",
    "objects",
    "records",
    "uploader",
    "workers",
    "clock",
]


def beside(installation: Installation) -> Settings:
    workers = ",".join(worker.url for worker in installation.members.workers)
    return installation.settings.model_copy(update={"workers_url": workers})


async def left_behind(settings: Settings) -> tuple[list[str], list[BatchRecord], dict[str, int]]:
    """Objects, rows and topics."""
    records = record_store(settings)
    try:
        rows = await records.batches()
    finally:
        await records.close()
    names = [spec.name for spec in topics(settings).specs()]
    found = await admin.describe(settings.kafka_bootstrap, names)
    return object_store(settings).keys(""), rows, found


def test_where_all_is_well_it_says_so_and_leaves_nothing_behind(
    installation: Installation, archive: Path
) -> None:
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status.get("settled", False))
    assert installation.batch_row(batch, "completed"), "the last row that is still to come"
    settings, url = beside(installation), installation.members.uploader.url
    before = asyncio.run(left_behind(settings))
    told = doctor(settings, url)
    assert (told.code, told.failing) == (0, set()), told.lines
    assert list(told.lines) == CHECKS
    assert {check: told.said(check)[0] for check in CHECKS[1:]} == dict.fromkeys(CHECKS[1:], "ok")
    assert told.said("uploader")[1] == f"{url} takes uploads"
    assert told.said("records")[1].startswith("MariaDB 1")
    assert "the object store, the uploader" in told.said("clock")[1]
    assert asyncio.run(left_behind(settings)) == before

    first, second = installation.members.workers
    gone = f"http://127.0.0.1:{free_ports(1)[0]}"
    one = settings.model_copy(update={"workers_url": f"{gone}, {second.url}/"})
    told = doctor(one, first.url)
    assert (told.code, told.failing) == (1, {"uploader"})
    assert told.said("workers")[0] == "warn", "any one of them may be asked"
    assert gone in told.said("workers")[1]
    assert told.said("uploader")[:2] == (
        "fail",
        f"{first.url}: answers 200, as none of ours would",
    )

    told = doctor(settings.model_copy(update={"workers_url": url}), url)
    assert (told.code, told.failing) == (1, {"workers"}), "an uploader is no worker"

    code, seen = on_terminal("doctor", "--url", url, env=environment(settings), columns=200)
    assert code == 0
    assert "\x1b[32mok" in seen
    assert "what to do" in seen


def nowhere(tmp_path: Path, ports: list[int]) -> Settings:
    kafka, store, database, worker = ports
    return read_settings(
        data_dir=tmp_path,
        kafka_bootstrap=f"127.0.0.1:{kafka}",
        objects_url=f"http://127.0.0.1:{store}/bucket",
        objects_access_key="key",
        objects_secret_key="hushhush",
        records_url=f"mysql://me:hushhush@127.0.0.1:{database}/rows",
        workers_url=f"http://127.0.0.1:{worker}",
    )


AWAY = {"kafka", "topics", "objects", "records", "uploader", "workers"}


def test_where_nothing_runs_it_says_what_to_do_about_each_and_tells_no_secret(
    tmp_path: Path,
) -> None:
    *ports, uploader = free_ports(5)
    settings = nowhere(tmp_path, ports)
    told = doctor(settings, f"http://127.0.0.1:{uploader}")
    assert (told.code, told.failing) == (1, AWAY)
    for check, port, setting in zip(
        ("kafka", "objects", "records", "workers", "uploader"),
        (*ports, uploader),
        ("KAFKA_BOOTSTRAP", "OBJECTS_URL", "RECORDS_URL", "WORKERS_URL", "UPLOADER_URL"),
        strict=True,
    ):
        _, found, advice = told.said(check)
        assert str(port) in found
        assert setting in advice
    assert told.said("clock")[0] == "warn"
    assert "hush" not in str(told)
    code, said, err = streamapp("doctor", env=environment(settings))
    assert (code, err) == (1, "")
    assert "hush" not in said
    assert [line.split("\t")[0] for line in said.splitlines()] == CHECKS
    assert {len(line.split("\t")) for line in said.splitlines()} == {4}


def test_services_that_hang_hold_it_up_no_longer_than_one_of_them(tmp_path: Path) -> None:
    with ExitStack() as open_until_the_end:
        silent = [
            open_until_the_end.enter_context(socket.create_server(("127.0.0.1", 0), backlog=99))
            for _ in range(5)
        ]
        *ports, uploader = [each.getsockname()[1] for each in silent]
        began = time.monotonic()
        told = doctor(nowhere(tmp_path, ports), f"http://127.0.0.1:{uploader}")
        took_s = time.monotonic() - began
    assert told.failing == AWAY
    assert took_s < 3 * LIMIT_S


def test_it_finds_what_runs_by_the_data_folder(tmp_path: Path) -> None:
    worker, kafka = free_ports(2)
    (tmp_path / "addresses.json").write_text(
        f'{{"kafka_bootstrap": "127.0.0.1:{kafka}", "workers_url": "http://127.0.0.1:{worker}"}}'
    )
    env = {name: value for name, value in os.environ.items() if name != "WORKERS_URL"}
    code, said, _ = streamapp("doctor", "--data", tmp_path, env=env)
    assert code == 1
    assert f"127.0.0.1:{kafka}" in said
    assert f"127.0.0.1:{worker}" in said
