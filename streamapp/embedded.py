"""The whole service on this machine: broker, uploader and workers, as processes that end with us.

Everything lies in one data folder and survives a restart. A process that dies is started again; one
that keeps dying ends the installation with its last words.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.error import URLError
from urllib.request import urlopen

from connectors.daemon import Daemon
from connectors.kafka import admin
from connectors.kafka.embedded import EmbeddedKafka
from streamapp import topics
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


class Installation:
    """Broker, uploader and workers; a context manager that starts and stops them."""

    def __init__(self, settings: Settings, *, port: int = 0, workers: int = 1) -> None:
        self._settings = settings
        self._port = port
        self._workers = workers
        self._kafka = EmbeddedKafka(settings.data_dir / "kafka")
        self._members: list[Member] = []

    def __enter__(self) -> Self:
        """Start everything and return when all of it is ready."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop everything."""
        self.stop()

    @property
    def url(self) -> str:
        """Address of the uploader."""
        return self._members[0].url

    @property
    def addresses(self) -> dict[str, str]:
        """Each process's name and address."""
        return {"kafka": self._kafka.bootstrap} | {each.name: each.url for each in self._members}

    def watch(self) -> None:
        """Start again what has died; to be called every now and then.

        Raises:
            StreamappError: ``PROCESS_FAILED`` when a process keeps dying.
        """
        for member in self._members:
            member.watch()

    def stop(self) -> None:
        """End every process, the broker last; safe to call twice."""
        for member in self._members:
            member.daemon.stop()
        self._kafka.stop()

    def _start(self) -> None:
        self._kafka.start()
        settings = self._settings.model_copy(update={"kafka_bootstrap": self._kafka.bootstrap})
        specs = topics.topic_specs(
            partitions=settings.partitions, retention_hours=settings.retention_hours
        )
        asyncio.run(admin.provision(settings.kafka_bootstrap, specs, replication_factor=1))
        self._members = list(self._make_members(settings))
        for member in self._members:
            member.start()
        self._wait_until_ready()

    def _make_members(self, settings: Settings) -> Iterator[Member]:
        ports = [free_port() for _ in range(self._workers)]
        upload_port = self._port or free_port()
        addresses = ",".join(f"http://127.0.0.1:{port}" for port in ports)
        served = settings.model_copy(update={"upload_port": upload_port, "workers_url": addresses})
        yield Member("uploader", served, command="serve", port=upload_port)
        for number, port in enumerate(ports, 1):
            values = settings.model_copy(update={"worker_port": port, "worker_name": str(number)})
            yield Member(f"worker-{number}", values, command="worker", port=port)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_PATIENCE_S
        waiting = list(self._members)
        while waiting:
            self.watch()
            waiting = [member for member in waiting if not member.is_ready()]
            if waiting and time.monotonic() > deadline:
                last_words = waiting[0].daemon.log_tail()
                raise StreamappError(
                    Code.PROCESS_FAILED, f"{waiting[0].name} is not ready: {last_words}"
                )
            time.sleep(0.1)


def free_port() -> int:
    """A loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
