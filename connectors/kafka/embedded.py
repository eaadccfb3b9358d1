"""The real Apache Kafka on this machine: one node, broker and controller, no Docker, no set-up.

Everything it keeps is in one folder (see `folder`) and survives a restart, also on another port.
It listens on 127.0.0.1 only, creates no topics by itself, and ends with the process that started
it (see `Daemon`). One broker at a time runs on a folder. What goes wrong is ``KAFKA_NOT_STARTED``
with the end of the broker's log, or ``JAVA_MISSING``; then nothing is left running.
"""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING, Self

from connectors.daemon import FAILURES_MAX, Daemon, Failures
from connectors.kafka.folder import configure, format_once, lock, not_started
from connectors.kafka.jars import jar_folder
from connectors.kafka.java import find_java
from connectors.kafka.probe import kafka_answers
from connectors.ports import free_ports, is_free
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_START_LIMIT_S = 60.0
_POLL_S = 0.05

_LEAN = ("-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
"""One collector thread is enough for a small heap and leaves the cores to the photos."""

_SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)
"""A tool that runs for half a second gains nothing from the optimizing compiler."""


class EmbeddedKafka:
    """A broker on a folder of its own; a context manager that starts and stops it."""

    def __init__(
        self,
        data: Path,
        *,
        heap_mb: int = 384,
        port: int | None = None,
        proxied: Mapping[int, int] | None = None,
    ) -> None:
        """Describe it; nothing starts yet.

        Args:
            data: Its folder, made when missing.
            heap_mb: The Java heap in MiB; 256 to 512 is sensible.
            port: Where it listens; by default a free port, another one at each start.
            proxied: Further ports where it listens, each for the clients of a proxy on loopback,
                and the proxy's port, which is what these clients are told.
        """
        self._data = data.absolute()
        self._heap_mb = heap_mb
        self._wanted_port = port
        self._proxied = dict(proxied or {})
        self._port = 0
        self._daemon: Daemon | None = None
        self._failures = Failures()

    @property
    def bootstrap(self) -> str:
        """Its address, ``127.0.0.1:PORT``, once started."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        if self._daemon is None:
            raise StreamappError(Code.KAFKA_NOT_STARTED, "it is not running")
        return self._daemon.pid

    def start(self) -> None:
        """Start it and return when it answers; blocks for two or three seconds.

        Raises:
            StreamappError: ``KAFKA_NOT_STARTED`` or ``JAVA_MISSING``.
        """
        self._start(self._wanted_port)

    def watch(self) -> None:
        """Start it again, at the same address, when it has died; to be called now and then.

        Raises:
            StreamappError: ``KAFKA_NOT_STARTED`` when it keeps dying or does not come back.
        """
        if self._daemon is None or self._daemon.exit_code is None:
            return
        if (deaths := self._failures.died()) >= FAILURES_MAX:
            raise not_started(self._data, f"it ended {deaths} times")
        self._start(self._port)

    def _start(self, port: int | None) -> None:
        java = [str(find_java()), "-cp", f"{jar_folder()}/*", *_LEAN]
        with lock(self._data) as held:
            self._port, controller_port = _ports(port)
            configure(
                self._data,
                port=self._port,
                controller_port=controller_port,
                proxied=self._proxied,
            )
            format_once(self._data, [*java, *_SHORT_LIVED])
            run = [*java, f"-Xmx{self._heap_mb}m", "kafka.Kafka", "server.properties"]
            self._daemon = Daemon(run, log=self._data / "kafka.log", cwd=self._data)
            self._launch(self._daemon, held)
        try:
            self._await_answer(self._daemon)
        except BaseException:
            self.stop()
            raise
        self._failures.born()

    def stop(self) -> None:
        """Stop it in order, by force when that takes too long; fine when it is not running."""
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def _launch(self, daemon: Daemon, lock: IO[bytes]) -> None:
        try:
            daemon.start(inherit=(lock.fileno(),))
        except OSError as error:
            raise not_started(self._data, str(error)) from error

    def _await_answer(self, daemon: Daemon) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        while not kafka_answers(self._port):
            if daemon.exit_code is not None:
                raise not_started(self._data, f"it ended with {daemon.exit_code}")
            if time.monotonic() > deadline:
                raise not_started(self._data, f"no answer within {_START_LIMIT_S:.0f} s")
            time.sleep(_POLL_S)


def _ports(wanted: int | None) -> list[int]:
    """Of the broker and of the controller."""
    if wanted is None:
        return free_ports(2)
    if not is_free(wanted):
        raise StreamappError(Code.KAFKA_NOT_STARTED, f"port {wanted} is taken")
    return [wanted, *free_ports(1)]
