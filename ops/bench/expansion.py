"""The expansion of an archive of very many photos, by a worker whose pace nothing holds back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import NamedTuple

from ops.bench.process import peak_mib
from ops.bench.sending import send
from ops.services.stack import Stack, on_own_topics
from streamapp.client import Client
from streamapp.errors import Fate, StreamappError
from streamapp.members import Members

POLL_S = 0.25
PATIENCE_S = 600.0


class Expansion(NamedTuple):
    """Times in seconds: the upload, its part after the last byte, the expansion; peaks in MiB."""

    entries: int
    upload_s: float
    judged_s: float
    expand_s: float
    peak_mib: float
    uploader_mib: float


def measure_expansion(stack: Stack, archive: Path, entries: int) -> Expansion:
    """Upload, and wait until every photo is in the topics or done."""
    with (
        on_own_topics(stack, "tiny-", pace_photos_per_partition=entries) as own,
        Members(own.settings) as members,
    ):
        upload = send(members.uploader.url, archive)
        answered = time.perf_counter()
        asyncio.run(wait_until_queued(members.uploader.url, upload.batch, entries))
        expanded = time.perf_counter()
        return Expansion(
            entries,
            upload.wall_s,
            answered - upload.last_byte_at,
            expanded - answered,
            peak_mib(members.workers[0].daemon.pid),
            peak_mib(members.uploader.daemon.pid),
        )


async def wait_until_queued(url: str, batch: str, entries: int) -> None:
    """Return when the status says that all photos were queued."""
    async with asyncio.timeout(PATIENCE_S), Client(url) as client:
        while await queued(client, batch) < entries:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(POLL_S)


async def queued(client: Client, batch: str) -> int:
    """Photos queued so far; none while nobody can say."""
    try:
        return (await client.status(batch)).queued or 0
    except StreamappError as error:
        if error.fate is Fate.WAIT:
            return 0
        raise
