"""How each fault is done and undone. Faults on the same target take turns, all others overlap."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

import psutil

from ops.chaos.group import reset_to_earliest
from ops.chaos.plan import SERVICES, SIGNALS, TOXICS, WORKERS
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ops.chaos.installation import Installation
    from ops.chaos.journal import Journal
    from ops.chaos.plan import Fault
    from ops.chaos.supervisor import Supervisor
    from ops.services.toxiproxy import Stream

STOPPED_WITHIN_S = 30.0
BACK_WITHIN_S = 60.0
POLL_S = 0.1

_SENT = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "freeze": signal.SIGSTOP}

_UP: Stream = "upstream"
_DOWN: Stream = "downstream"
_TOXICS: dict[str, list[tuple[str, Stream, dict[str, int]]]] = {
    "latency": [("latency", _DOWN, {"latency": 400, "jitter": 300})],
    "half-open": [("timeout", _UP, {"timeout": 0}), ("timeout", _DOWN, {"timeout": 0})],
    "bandwidth": [("bandwidth", each, {"rate": 30}) for each in (_UP, _DOWN)],
    "reset": [("reset_peer", _DOWN, {"timeout": 300})],
}
"""Toxiproxy's names and attributes: milliseconds, and kB/s."""


class Stroke(NamedTuple):
    """A fault that struck; ``at`` and ``healed_at`` by the monotonic clock."""

    fault: Fault
    at: float
    healed_at: float


class Faults:
    """Does the faults of a plan, each in a thread of its own."""

    def __init__(self, installation: Installation, journal: Journal, *, seed: int) -> None:
        self.strokes: list[Stroke] = []
        self.skipped: list[str] = []
        self.failures: list[str] = []
        self._it = installation
        self._journal = journal
        self._rng = random.Random(f"victims {seed}")  # noqa: S311 - what a seed is for
        self._locks: dict[str, Lock] = defaultdict(Lock)
        self._over = Event()
        self._threads: list[Thread] = []

    def start(self, plan: Iterable[Fault]) -> None:
        """The time of the plan begins now."""
        began = time.monotonic()
        for number, fault in enumerate(plan):
            thread = Thread(target=self._run, args=(f"fault-{number}", fault, began))
            thread.start()
            self._threads.append(thread)

    def finish(self) -> None:
        """Return when every fault has healed."""
        for thread in self._threads:
            thread.join()

    def _run(self, name: str, fault: Fault, began: float) -> None:
        time.sleep(max(0, began + fault.at_s - time.monotonic()))
        with self._locks[fault.target or fault.kind]:
            at = time.monotonic()
            self._journal.write("fault", name=name, **fault._asdict())
            try:
                with self._hit(name, fault):
                    time.sleep(fault.for_s)
            except Exception as error:  # noqa: BLE001 - the seed fails with it, in its own words
                self.failures.append(f"{name} {fault}: {error!r}")
            self.strokes.append(Stroke(fault, at, time.monotonic()))
            self._journal.write("healed", name=name)

    @contextmanager
    def _hit(self, name: str, fault: Fault) -> Iterator[None]:
        if fault.kind in SIGNALS:
            with self._signalled(fault):
                yield
        elif fault.kind in TOXICS:
            with self._spoiled(name, fault):
                yield
        elif fault.kind == "disk full":
            with self._full_disk():
                yield
        else:
            yield  # not to begin with another's end
            self._whole(fault)

    @contextmanager
    def _signalled(self, fault: Fault) -> Iterator[None]:
        if fault.kind == "freeze":
            with self._frozen(fault.target):
                yield
        elif fault.target in SERVICES:
            service = self._it.services.named(fault.target)
            _end(service.pid, _SENT[fault.kind])
            yield
            service.start()
        elif fault.target.startswith("child"):
            self._signal(fault.target, signal.SIGKILL)
            yield
        else:
            with self._held(fault.target):
                self._signal(fault.target, _SENT[fault.kind])
                yield

    @contextmanager
    def _frozen(self, target: str) -> Iterator[None]:
        process = self._process(target)
        if process is None:
            yield
            return
        process.suspend()
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        self._it.supervisor.hold(name)
        try:
            yield
        finally:
            self._it.supervisor.release(name)

    @contextmanager
    def _spoiled(self, name: str, fault: Fault) -> Iterator[None]:
        client, service = fault.target.split(":")
        links = self._it.links(client, service)
        self._spoil(name, fault.kind, links)
        try:
            yield
        finally:
            self._mend(name, fault.kind, links)

    def _spoil(self, name: str, kind: str, links: Iterable[str]) -> None:
        for link in links:
            if kind == "cut":
                self._it.proxy.switch(link, on=False)
            for toxic, stream, attributes in _TOXICS.get(kind, ()):
                self._it.proxy.spoil(link, f"{name}-{stream}", toxic, stream, attributes)

    def _mend(self, name: str, kind: str, links: Iterable[str]) -> None:
        for link in links:
            if kind == "cut":
                self._it.proxy.switch(link, on=True)
            for _, stream, _ in _TOXICS.get(kind, ()):
                self._it.proxy.heal(link, f"{name}-{stream}")

    @contextmanager
    def _full_disk(self) -> Iterator[None]:
        disk = self._it.services.disk
        if disk is None:
            self.skipped.append("disk full: mounting a small file system is not permitted")
            yield
            return
        disk.fill()
        try:
            yield
        finally:
            disk.empty()

    def _whole(self, fault: Fault) -> None:
        match fault.kind:
            case "state lost":
                self._lose_state(fault.target)
            case "rolling restart":
                for name in WORKERS:
                    self._restart(name)
            case "offsets reset":
                set_back(self._it)

    def _lose_state(self, worker: str) -> None:
        with self._held(worker):
            self._signal(worker, signal.SIGKILL)
            _until(lambda: not self._it.supervisor.is_up(worker), STOPPED_WITHIN_S)
            shutil.rmtree(self._it.settings.data_dir / f"worker-{worker}", ignore_errors=True)

    def _restart(self, name: str) -> None:
        with _stopped(self._it.supervisor, [name]):
            pass
        with suppress(TimeoutError):  # another fault may hold it down
            _until(self._it.supervisor.members[name].is_ready, BACK_WITHIN_S)

    def _signal(self, target: str, number: signal.Signals) -> None:
        process = self._process(target)
        if process is not None:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _process(self, target: str) -> psutil.Process | None:
        """The process that a target names; None when it is down anyway."""
        if target in SERVICES:
            return psutil.Process(self._it.services.named(target).pid)
        name = target.removeprefix("child of ")
        if not self._it.supervisor.is_up(name):
            return None
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._it.supervisor.members[name].daemon.pid)
            if name == target:
                return process
            children = process.children(recursive=True)
            return self._rng.choice(children) if children else None
        return None


def set_back(installation: Installation) -> None:
    """Stop all workers, set their group back to the beginning of all topics, and start them again.

    Raises:
        TimeoutError: They do not end, or their group does not become empty.
    """
    settings = installation.settings
    with _stopped(installation.supervisor, WORKERS):
        asyncio.run(reset_to_earliest(settings.kafka_bootstrap, topics(settings)))


@contextmanager
def _stopped(supervisor: Supervisor, names: Sequence[str]) -> Iterator[None]:
    supervisor.stop(names)
    try:
        yield
    finally:
        for name in names:
            supervisor.release(name)


def _end(pid: int, number: signal.Signals) -> None:
    """Signal a service and wait for its end; one that will not end is killed."""
    process = psutil.Process(pid)
    os.kill(pid, number)
    try:
        _until(lambda: not process.is_running() or process.status() == "zombie", STOPPED_WITHIN_S)
    except TimeoutError:
        process.kill()
    except psutil.NoSuchProcess:
        pass


def _until(reached: Callable[[], bool], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit_s:g} s")
        time.sleep(POLL_S)
