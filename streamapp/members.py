"""The processes of an installation on this machine: an uploader and its workers.

A process that dies is started again; one that keeps dying ends the installation with its last
words. All of them end with the process that started them.
"""

from __future__ import annotations

import http.client
import logging
import sys
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from connectors.daemon import FAILURES_MAX, STOP_PATIENCE_S, Daemon, Failures
from connectors.ports import free_ports
from streamapp.errors import Code, StreamappError
from streamapp.settings import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.settings import Settings

_log = logging.getLogger(__name__)

READY_PATIENCE_S = 90.0
READY_ANSWER_S = 2.0


class Member:
    """A process of the installation: the uploader or a worker."""

    def __init__(self, name: str, settings: Settings, *, command: str, port: int) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._log_file = settings.data_dir / f"{name}.log"
        self._deaths = 0
        self.daemon = Daemon(
            [sys.executable, "-m", "streamapp", command],
            log=self._log_file,
            env=environment(settings),
        )
        self._failures = Failures()

    def start(self) -> None:
        """Start the process."""
        self._failures.born()
        self.daemon.start()

    def watch(self) -> None:
        """Start the process again when it has died, and say so.

        Raises:
            StreamappError: ``PROCESS_FAILED`` when it keeps dying.
        """
        if self.daemon.exit_code is None:
            return
        if (deaths := self._failures.died()) >= FAILURES_MAX:
            raise self.failed(f"ended {deaths} times")
        self._deaths += 1
        _log.warning(
            "%s ended (exit code %d) and is started again, for the %d. time; see %s",
            *(self.name, self.daemon.exit_code, self._deaths, self._log_file),
        )
        self.start()

    def is_ready(self) -> bool:
        """Whether ``/ready`` says so."""
        # No proxy of the environment stands between us and loopback here.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=READY_ANSWER_S)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def failed(self, what: str) -> StreamappError:
        """The error to raise, with the end of the log, which may be gone with us."""
        return StreamappError(
            Code.PROCESS_FAILED,
            f"{self.name} {what}; the end of its log:\n{self.daemon.log_tail()}",
        )


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
        """End every process, all of them at once; safe to call twice."""
        for member in self:
            member.daemon.terminate()
        deadline = time.monotonic() + STOP_PATIENCE_S
        for member in self:
            member.daemon.wait(max(0, deadline - time.monotonic()))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_PATIENCE_S
        waiting = list(self)
        while waiting := [member for member in waiting if not member.is_ready()]:
            self.watch()
            if time.monotonic() > deadline:
                raise waiting[0].failed(f"is not ready after {READY_PATIENCE_S:.0f} s")
            time.sleep(0.1)


def _uploader(settings: Settings, port: int, workers_url: str) -> Member:
    values = settings.model_copy(update={"upload_port": port, "workers_url": workers_url})
    return Member("uploader", values, command="serve", port=port)


def _worker(settings: Settings, number: int, port: int) -> Member:
    values = settings.model_copy(update={"worker_port": port, "worker_name": str(number)})
    return Member(f"worker-{number}", values, command="worker", port=port)
