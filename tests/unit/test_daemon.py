"""Programs beside us: their end, their last words, and when to give one up."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from connectors import daemon
from connectors.daemon import FAILURES_MAX, LOG_TAIL_BYTES, Daemon, Failures
from streamapp.embedded import _without_secrets
from streamapp.errors import Code, StreamappError
from streamapp.members import Members
from streamapp.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); "


def test_the_log_tail_is_of_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    tail = Daemon(["none"], log=log).log_tail()
    assert len(tail) <= LOG_TAIL_BYTES
    assert tail.splitlines()[0].startswith("line ")
    assert tail.splitlines()[-1] == "line 9999"


def test_a_program_that_lives_shortly_again_and_again_is_given_up() -> None:
    failures = Failures()
    deaths = []
    for _ in range(FAILURES_MAX):
        failures.born()
        deaths.append(failures.died())
    assert deaths == list(range(1, FAILURES_MAX + 1))


def test_a_long_life_makes_up_for_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = Failures()
    failures.born()
    failures.died()
    monkeypatch.setattr(daemon, "LIFETIME_S", 0.0)
    failures.born()
    assert failures.died() == 1


def test_programs_that_ignore_sigterm_are_ended_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamapp.members.STOP_PATIENCE_S", 1.0)
    members = Members(read_settings(data_dir=tmp_path), workers=3)
    for member in members:
        member.daemon = Daemon(
            [sys.executable, "-c", f"{DEAF} time.sleep(60)"], log=tmp_path / member.name
        )
        member.start()
    while not all("deaf" in member.daemon.log_tail() for member in members):
        time.sleep(0.05)
    began = time.monotonic()
    members.stop()
    assert time.monotonic() - began < 2
    assert all(member.daemon.exit_code == -9 for member in members)


def test_a_process_that_keeps_dying_ends_the_installation_with_its_last_words(
    tmp_path: Path,
) -> None:
    members = Members(read_settings(data_dir=tmp_path), workers=1)
    (worker,) = members.workers
    worker.daemon = Daemon(
        [sys.executable, "-c", "print('no disk'); exit(3)"], log=tmp_path / "log"
    )
    worker.start()
    with pytest.raises(StreamappError, match=r"worker-1 ended 3 times; .*\nno disk") as failure:
        _watch_until_it_fails(worker.watch)
    assert failure.value.code is Code.PROCESS_FAILED


def _watch_until_it_fails(watch: Callable[[], None]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        watch()
        time.sleep(0.01)


def test_the_printed_address_of_a_store_has_no_secret() -> None:
    url = "mysql://user:pass@word@db.example:3306/photos?password=secret"
    assert _without_secrets(url) == "mysql://db.example:3306/photos"
    assert _without_secrets("file:///a/folder") == "file:///a/folder"
    assert _without_secrets("") == ""
