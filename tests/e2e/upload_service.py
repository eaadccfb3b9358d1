"""The uploader over a folder, with its surroundings replaced at their interfaces.

In a thread for most tests; ``python -m tests.e2e.upload_service FOLDER`` serves alone.
"""

from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from connectors.objects.folder import FolderStore
from connectors.records.sqlite import SqliteRecords
from streamapp.archive import Limits
from streamapp.errors import Code, StreamappError
from streamapp.upload.app import create_app
from streamapp.upload.batch_ids import ENTROPY_BYTES, batch_id
from streamapp.upload.incoming_body import Watch
from streamapp.upload.reception import UploadLimits
from streamapp.upload.server import Server

if TYPE_CHECKING:
    from asyncio import Protocol
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.applications import Starlette
    from uvicorn.config import HTTPProtocolType

    from connectors.objects.interface import UploadStore
    from connectors.records.interface import RecordStore
    from streamapp.events import ArchiveStored, BatchCancelled, PriorityChanged
    from streamapp.progress import GroupLoad, Status
    from streamapp.replay import Wish

MIB = 1024 * 1024
ARCHIVE_LIMITS = Limits(entries_max=1000, photo_bytes_max=64 * MIB)


@dataclass
class Surroundings:
    """Publisher, progress source and readiness in one, with switches."""

    published: list[ArchiveStored] = field(default_factory=list)
    log: list[BatchCancelled | PriorityChanged] = field(default_factory=list)
    known: dict[str, Status] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=lambda: {"kafka": "ok"})
    kafka_fault: Exception | None = None
    progress_fault: Exception | None = None
    told: GroupLoad | None = None
    asked: int = 0
    begun: list[tuple[str, Wish, bool]] = field(default_factory=list)

    async def publish(self, event: ArchiveStored) -> None:
        if self.kafka_fault:
            raise self.kafka_fault
        self.published.append(event)

    async def publish_log(self, event: BatchCancelled | PriorityChanged) -> None:
        if self.kafka_fault:
            raise self.kafka_fault
        self.log.append(event)

    async def status(self, batch: str) -> Status | None:
        self.asked += 1
        if self.progress_fault:
            raise self.progress_fault
        return self.known.get(batch)

    async def load(self) -> GroupLoad:
        if self.told is None:
            raise StreamappError(Code.PROGRESS_AWAY)
        return self.told

    def check(self, wish: Wish) -> None:
        if "FACE" in dict(wish.settings):
            raise StreamappError(Code.FIELD_INVALID, "FACE: not a run's to change")

    async def begin(self, batch: str, wish: Wish, *, only_failed: bool) -> tuple[int, int] | None:
        self.begun.append((batch, wish, only_failed))
        return None if only_failed else (2, 2)

    async def __call__(self) -> dict[str, str]:
        return self.services


def make_app(
    objects: UploadStore,
    around: Surroundings,
    *,
    records: RecordStore | None = None,
    webhooks: bool = True,
    archive_bytes_max: int = 1024 * MIB,
    uploads_max: int = 8,
    watchers_max: int = 1000,
    images_max: int = 10_000,
    photo_bytes_max: int = 64 * MIB,
    client_idle_s: float = 60.0,
    client_window_s: float = 60.0,
    project_archive_bytes_max: int = 0,
    resumable_expires_s: float = 23 * 3600.0,
    janitor_interval_s: float = 60.0,
) -> Starlette:
    numbers = itertools.count()
    rows = records or SqliteRecords(Path(":memory:"))

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        yield
        await rows.close()

    return create_app(
        objects=objects,
        records=rows,
        publisher=around,
        progress=around,
        load=around,
        replays=around,
        readiness=around,
        limits=UploadLimits(
            archive_bytes_max=archive_bytes_max,
            archive=structs.replace(ARCHIVE_LIMITS, photo_bytes_max=photo_bytes_max),
            uploads_max=uploads_max,
            watchers_max=watchers_max,
            webhooks=webhooks,
            images_max=images_max,
            project_archive_bytes_max=project_archive_bytes_max,
            resumable_expires_s=resumable_expires_s,
            watch=Watch(idle_s=client_idle_s, window_s=client_window_s),
        ),
        clock=lambda: 1_700_000_000.0,
        new_batch_id=lambda: batch_id(
            now_s=1_700_000_000.0, entropy=next(numbers).to_bytes(ENTROPY_BYTES, "big")
        ),
        janitor_interval_s=janitor_interval_s,
        lifespan=life,
    )


@contextmanager
def serving(
    app: Starlette, root_path: str = "", http: type[Protocol] | HTTPProtocolType = "auto"
) -> Iterator[str]:
    """The base URL of ``app`` on a free port, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    watches = getattr(app.state, "watches", None)  # of an uploader, not of what stands before it
    server = Server(
        app,
        let_go=watches.end if watches else lambda: None,
        log_level="error",
        root_path=root_path,
        http=http,
        timeout_graceful_shutdown=1,
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        assert not thread.is_alive()


def eventually(condition: Callable[[], object], deadline_s: float = 10.0) -> bool:
    """Whether ``condition`` comes true before the deadline."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def main(folder: str) -> None:
    store = FolderStore(Path(folder))
    store.prepare()
    with serving(make_app(store, Surroundings())) as url:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
