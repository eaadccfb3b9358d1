"""Starts again what died, as a container's restart policy would; what is held stays down."""

from __future__ import annotations

import time
from collections import Counter
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamapp.members import Member

INTERVAL_S = 0.2
STOPPED_WITHIN_S = 30.0


class Supervisor:
    """Watches over the members from a thread of its own; a context manager."""

    def __init__(self, members: Iterable[Member]) -> None:
        self.members = {member.name: member for member in members}
        self.exits: Counter[str] = Counter()
        """How often each ended and how, negative for a signal: ``worker-1 -9``."""
        self._started: set[str] = set()
        self._lock = Lock()
        self._held: Counter[str] = Counter()
        self._over = Event()
        self._thread = Thread(target=self._watch, name="supervisor")

    def __enter__(self) -> Self:
        """Start all of them."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End all of them, at once and for good."""
        self._over.set()
        self._thread.join()
        for member in self.members.values():
            member.daemon.stop(0)

    def hold(self, name: str) -> None:
        """Do not start it when it has died, until `release`, once for each time it was held."""
        with self._lock:
            self._held[name] += 1

    def release(self, name: str) -> None:
        """It may run again."""
        with self._lock:
            self._held[name] -= 1

    def is_up(self, name: str) -> bool:
        """Whether its process runs."""
        with self._lock:
            return name in self._started and self.members[name].daemon.exit_code is None

    def stop(self, names: Iterable[str]) -> None:
        """End members in order (SIGTERM), all at once, and hold them down.

        Raises:
            TimeoutError: One did not end in time.
        """
        chosen = tuple(names)
        for name in chosen:
            self.hold(name)
            self.members[name].daemon.terminate()
        deadline = time.monotonic() + STOPPED_WITHIN_S
        while any(self.is_up(name) for name in chosen):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{chosen} did not end by SIGTERM in {STOPPED_WITHIN_S:g} s")
            time.sleep(INTERVAL_S)

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL_S):
            with self._lock:
                for name in self.members:
                    if not self._held[name]:
                        self._start_if_down(name)

    def _start_if_down(self, name: str) -> None:
        daemon = self.members[name].daemon
        if name in self._started:
            if daemon.exit_code is None:
                return
            self.exits[f"{name} {daemon.exit_code}"] += 1
        daemon.start()
        self._started.add(name)
