"""The load: each order is a client of its own that uploads its batch and does what comes after."""

from __future__ import annotations

import subprocess
import sys
import time
from threading import Thread
from typing import TYPE_CHECKING

from ops.chaos.client import Client
from ops.chaos.photos import write_archive
from ops.chaos.plan import UPLOADERS, WORKERS
from ops.chaos.reading import Batch
from streamapp.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from ops.chaos.installation import Installation
    from ops.chaos.journal import Journal
    from ops.chaos.orders import Order
    from ops.chaos.photos import Photo
    from ops.chaos.watch import Watch

PATIENCE_S = 120.0
POLL_S = 0.3
PROJECT = "chaos"


class Load:
    """Does the orders, each in a thread of its own; ``batches`` has the ids by orders' names."""

    def __init__(self, installation: Installation, watch: Watch, journal: Journal) -> None:
        self.batches: dict[str, str] = {}
        self.failures: list[str] = []
        self._it = installation
        self._watch = watch
        self._journal = journal
        self._done: dict[str, Batch] = {}
        self._threads: list[Thread] = []

    def start(self, orders: Iterable[Order]) -> None:
        """The time of the orders begins now."""
        began = time.monotonic()
        for order in orders:
            thread = Thread(target=self._run, args=(order, began), name=order.name)
            thread.start()
            self._threads.append(thread)

    def finish(self) -> list[Batch]:
        """The batches, when all of them are taken in."""
        for thread in self._threads:
            thread.join()
        return list(self._done.values())

    def _run(self, order: Order, began: float) -> None:
        time.sleep(max(0, began + order.at_s - time.monotonic()))
        others = [name for name in UPLOADERS if name != order.uploader]
        urls = [self._it.urls[name] for name in (order.uploader, *others)]
        try:
            with Client(urls) as client:
                self._upload(client, order)
                self._follow(client, order)
        except Exception as error:  # noqa: BLE001 - the seed fails with it, in its own words
            self.failures.append(f"{order.name}: {error!r}")
            self._journal.write("load failed", order=order.name, error=repr(error))

    def _upload(self, client: Client, order: Order) -> None:
        self._journal.write(
            "upload", order=order.name, way=order.way, priority=order.priority, fate=order.fate
        )
        fields = {"projectId": PROJECT, "priority": str(order.priority)}
        key = f"key of {order.name}"
        if order.way == "images":
            images = _images(order.photos)
            batch = client.add_images(key, fields, images)
            part: Path | tuple[str, ...] = tuple(images)
        else:
            part = self._it.folder / f"{order.name}.zip"
            write_archive(part, order.photos, clutter=order.clutter, slow=order.slow)
            ways = {"form": client.send_form, "put": client.put, "tus": client.tus}
            batch = ways[order.way](key, fields, part.read_bytes())
        self._done[order.name] = Batch(batch, (part,))
        self.batches[order.name] = batch
        self._journal.write("taken in", order=order.name, batch=batch)

    def _follow(self, client: Client, order: Order) -> None:
        batch = self._done[order.name]
        match order.fate:
            case "cancel":
                self._wait(lambda: self._watch.processed(batch.id) > 0)
                self._done[order.name] = batch._replace(cancel=True)
                client.cancel(batch.id)
            case "join":
                images = _images(order.more)
                joined = batch._replace(parts=(*batch.parts, tuple(images)))
                self._watch.reopen(batch.id, time.monotonic(), total=len(joined.wanted))
                fields = {"projectId": PROJECT, "batchId": batch.id}
                client.add_images(f"more for {order.name}", fields, images)
                self._done[order.name] = joined
            case "priority":
                client.change_priority(batch.id, 11 - order.priority)
            case "replay":
                self._wait(lambda: self._watch.has_ended(batch.id))
                self._watch.reopen(batch.id, time.monotonic(), total=len(batch.wanted), run=2)
                self._done[order.name] = batch._replace(runs=2)
                self._wait(lambda: self._replay(batch.id))

    def _replay(self, batch: str) -> bool:
        """Begin the batch's next run; whether that was done. Asked again it begins no other."""
        workers = ",".join(self._it.urls[name] for name in WORKERS)
        done = subprocess.run(
            [sys.executable, "-m", "streamapp", "replay", batch],
            env=environment(self._it.settings) | {"WORKERS_URL": workers},
            capture_output=True,
            check=False,
        )
        self._journal.write("replay", batch=batch, code=done.returncode)
        return done.returncode == 0

    @staticmethod
    def _wait(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not reached():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not reached within {PATIENCE_S:g} s")
            time.sleep(POLL_S)


def _images(photos: Sequence[Photo]) -> dict[str, bytes]:
    return {photo.name(number): photo.content for number, photo in enumerate(photos)}
