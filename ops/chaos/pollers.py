"""Pollers: threads that ask every member for every batch, all the time, as nobody else would.

The uploaders are asked as clients ask them. A worker is asked for what it says itself and not by
way of another: so it is seen who owns a batch, and that nobody answers for what he does not own.
"""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

import httpx

from ops.chaos.watch import Seen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.chaos.watch import Watch

PAUSE_S = 0.7
OWN_ANSWER = {"X-Streamapp-Routed": "1"}
_OK, _UNKNOWN, _AWAY = 200, 404, 503


class Pollers:
    """A thread for each member; ``batches`` may grow meanwhile. A context manager."""

    def __init__(self, urls: Mapping[str, str], batches: Mapping[str, str], watch: Watch) -> None:
        self.seen: list[Seen] = []
        self._batches = batches
        self._watch = watch
        self._over = Event()
        self._threads = [
            Thread(target=self._poll, args=(name, url), name=f"poller of {name}")
            for name, url in urls.items()
        ]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, name: str, url: str) -> None:
        headers = OWN_ANSWER if name.startswith("worker") else {}
        known: set[str] = set()
        with httpx.Client(base_url=url, headers=headers, timeout=5, trust_env=False) as http:
            while not self._over.wait(PAUSE_S):
                for batch in list(self._batches.values()):
                    self._ask(http, name, batch, known)

    def _ask(self, http: httpx.Client, name: str, batch: str, known: set[str]) -> None:
        began = time.monotonic()
        try:
            answer = http.get(f"/api/batch/status/{batch}")
        except httpx.TransportError:
            return
        ended = time.monotonic()
        if answer.status_code == _OK:
            known.add(batch)
            told = answer.json()["batch"]
            counts = told["progress"]
            seen = Seen(
                began,
                ended,
                name,
                batch,
                told["status"],
                counts["processed"],
                counts["total"],
                told.get("run", 1),
                told.get("settled", False),
            )
            self.seen.append(seen)
            self._watch.see(seen)
        elif answer.status_code == _UNKNOWN:
            if batch in known or name.startswith("uploader"):
                self._watch.complain(f"{name} knows nothing of batch {batch}")
        elif answer.status_code != _AWAY:
            self._watch.complain(f"{name} answers {answer.status_code}: {answer.text[:200]}")
