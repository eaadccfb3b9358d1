"""The processes of an installation on this machine: an uploader and its workers.

A process that dies is started again; one that keeps dying ends the installation with its last
words. All of them end with the process that started them.
"""

from __future__ import annotations

import sys
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.error import URLError
from urllib.request import urlopen

from connectors.daemon import Daemon
from connectors.ports import free_ports
from streamapp.errors import Code, StreamappError
from streamapp.settings import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.settings import Settings

READY_PATIENCE_S = 90.0
LIFETIME_S = 10.0
FAILURES_MAX = 3
"""A process that lives shorter than `LIFETIME_S` failed; that many in a row are too many."""


class Member:
    """A process of the installation: the uploader or a worker."""

    def __init__(self, name: str, settings: Settings, *, command: str, port: int) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self.daemon = Daemon(
            [sys.executable, "-m", "streamapp", command],
            log=settings.data_dir / f"{name}.log",
            env=environment(settings),
        )
        self._started_at = 0.0
        self._failures = 0

    def start(self) -> None:
        """Start the process."""
        self._started_at = time.monotonic()
        self.daemon.start()

    def watch(self) -> None:
        """Start the process again when it has died.

        Raises:
            StreamappError: ``PROCESS_FAILED`` when it keeps dying.
        """
        if self.daemon.exit_code is None:
            return
        lived_s = time.monotonic() - self._started_at
        self._failures = self._failures + 1 if lived_s < LIFETIME_S else 1
        if self._failures >= FAILURES_MAX:
            raise StreamappError(
                Code.PROCESS_FAILED,
                f"{self.name} ended {self._failures} times: {self.daemon.log_tail()}",
            )
        self.start()

    def is_ready(self) -> bool:
        """Whether ``/ready`` says so."""
        try:
            with urlopen(f"{self.url}/ready", timeout=2) as answer:  # noqa: S310 - our own http URL
                return bool(answer.status == HTTPStatus.OK)
        except (URLError, OSError):
            return False


class Members:
    """An uploader and its workers over services that run; a context manager."""

    def __init__(self, settings: Settings, *, port: int = 0, workers: int = 1) -> None:
        upload_port, *ports = free_ports(1 + workers)
        urls = ",".join(f"http://127.0.0.1:{each}" for each in ports)
        self.uploader = _uploader(settings, port or upload_port, urls)
        self.workers = [_worker(settings, n, each) for n, each in enumerate(ports, 1)]

    def __enter__(self) -> Self:
        """Start everything and return when all of it is ready."""
        try:
            for member in self:
                member.start()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop everything."""
        self.stop()

    def __iter__(self) -> Iterator[Member]:
        """The uploader, then the workers."""
        yield self.uploader
        yield from self.workers

    def watch(self) -> None:
        """Start again what has died; to be called every now and then.

        Raises:
            StreamappError: ``PROCESS_FAILED`` when a process keeps dying.
        """
        for member in self:
            member.watch()

    def stop(self) -> None:
        """End every process; safe to call twice."""
        for member in self:
            member.daemon.stop()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_PATIENCE_S
        waiting = list(self)
        while waiting := [member for member in waiting if not member.is_ready()]:
            self.watch()
            if time.monotonic() > deadline:
                late = waiting[0]
                raise StreamappError(
                    Code.PROCESS_FAILED, f"{late.name} is not ready: {late.daemon.log_tail()}"
                )
            time.sleep(0.1)


def _uploader(settings: Settings, port: int, workers_url: str) -> Member:
    values = settings.model_copy(update={"upload_port": port, "workers_url": workers_url})
    return Member("uploader", values, command="serve", port=port)


def _worker(settings: Settings, number: int, port: int) -> Member:
    values = settings.model_copy(update={"worker_port": port, "worker_name": str(number)})
    return Member(f"worker-{number}", values, command="worker", port=port)
