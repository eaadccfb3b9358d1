"""What makes a service go away, and how the workers of an installation take it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.members import Member, Members

NOTICED_WITHIN_S = 90.0
"""A store that hangs is noticed when its client has tried a few times."""

GROWTH_BYTES_MAX = 32 << 20


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process takes connections and answers nothing: what a client sees of a hung disk."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is left on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    try:
        yield
    finally:
        ballast.unlink()


def ready(worker: Member) -> tuple[int, dict[str, Any]]:
    """What the worker says at ``/ready``."""
    answer = httpx.get(f"{worker.url}/ready", timeout=10)
    return answer.status_code, answer.json()


def wait_until_away(members: Members, service: str) -> None:
    """Return when a worker that needs the service is not ready, and says why."""
    deadline = time.monotonic() + NOTICED_WITHIN_S
    while True:
        for worker in members.workers:
            status, told = ready(worker)
            if (why := told["services"][service]) != "ok":
                assert status == httpx.codes.SERVICE_UNAVAILABLE
                assert why in told["why"]
                assert "127.0.0.1" not in why
                assert f'streamapp_circuit_open{{service="{service}"}} 1.0' in metrics(worker)
                return
        assert time.monotonic() < deadline, f"nobody noticed that {service} is away"
        time.sleep(0.1)


def wait_until_ready(members: Members) -> None:
    """Return when all workers are ready again."""
    deadline = time.monotonic() + NOTICED_WITHIN_S
    while not all(worker.is_ready() for worker in members.workers):
        told = [ready(worker) for worker in members.workers]
        assert time.monotonic() < deadline, f"not ready again: {told}"
        time.sleep(0.1)


def metrics(worker: Member) -> str:
    """What the worker says at ``/metrics``."""
    return httpx.get(f"{worker.url}/metrics", timeout=10).raise_for_status().text


class Memory:
    """What the workers took when it was made, children left out."""

    def __init__(self, members: Members) -> None:
        self._workers = members.workers
        self._pids = [worker.daemon.pid for worker in self._workers]
        self._before = list(map(_rss_bytes, self._pids))

    def assert_flat(self) -> None:
        """The same processes live, and took little more since."""
        assert [worker.daemon.pid for worker in self._workers] == self._pids
        for before, pid in zip(self._before, self._pids, strict=True):
            assert _rss_bytes(pid) < before + GROWTH_BYTES_MAX


def _rss_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
