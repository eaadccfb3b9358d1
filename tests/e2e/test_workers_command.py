"""``streamapp workers``: who works, by whichever worker answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from connectors.ports import free_ports
from streamapp.settings import environment
from tests.e2e.terminal import on_terminal
from tests.e2e.test_cli import streamapp
from tests.e2e.upload_service import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation


def told(env: dict[str, str]) -> tuple[int, list[dict[str, Any]]]:
    code, said, _ = streamapp("workers", "--json", env=env)
    return code, [json.loads(line) for line in said.splitlines()]


def test_the_workers_are_told_by_any_that_answers_and_one_that_died_is_missed(
    installation: Installation, archive: Path
) -> None:
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    first, second = installation.members.workers
    gone = f"http://127.0.0.1:{free_ports(1)[0]}"
    env = environment(installation.settings) | {"WORKERS_URL": f"{gone}/, {second.url}/"}
    assert eventually(lambda: len(told(env)[1]) == 2, 60)
    code, lines = told(env)
    assert code == 0
    assert {line["url"].rpartition(":")[2] for line in lines} == {
        worker.url.rpartition(":")[2] for worker in (first, second)
    }
    assert {line["state"] for line in lines} == {"ready"}
    assert sum(line["rate"] for line in lines) > 0
    assert all(line["partitions"] > 0 for line in lines)
    assert all(line["children"]["alive"] == 1 for line in lines)

    code, said, err = streamapp("workers", env=env)
    assert (code, err) == (0, "")
    cells = [line.split("\t") for line in said.splitlines()]
    assert [len(line) for line in cells] == [8, 8]
    code, seen = on_terminal("workers", env=env, columns=160)
    assert code == 0
    assert "photos/s" in seen
    assert "\x1b[32mready" in seen

    first.daemon.terminate()
    first.daemon.wait(30)
    assert eventually(lambda: len(told(env)[1]) == 1, 60)
    [left] = told(env)[1]
    assert left["url"].rpartition(":")[2] == second.url.rpartition(":")[2]


def test_where_no_worker_answers_it_says_whom_it_asked(tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_ports(1)[0]}"
    code, said, err = streamapp("workers", "--data", tmp_path, env={"WORKERS_URL": gone})
    assert (code, said) == (1, "")
    assert err.startswith("streamapp: workers_away: No worker answers")
    assert gone in err
