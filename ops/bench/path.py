"""The whole path of one archive: its time, and the CPU of each process on it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ops.bench.cpu import cpu_seconds
from streamapp.client import Client
from streamapp.errors import Fate, StreamappError
from streamapp.wiring.stores import record_store

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.records.interface import RecordStore
    from ops.services.stack import Stack
    from streamapp.members import Members

POLL_S = 0.25
"""Not more often: what answers the poll is measured as well."""
ROWS_PATIENCE_S = 60

Figures = dict[str, float]
"""Milliseconds per photo by name: ``wall``, ``upload``, and ``CPU …`` of each process."""


async def measure_path(stack: Stack, members: Members, archive: Path, photos: int) -> Figures:
    """The whole path of one archive.

    Wall time is from the first byte uploaded to the batch's completion; the CPU is read when the
    last row is written too, which is a moment later.
    """
    before = cpu_seconds(stack, members)
    began = time.perf_counter()
    async with Client(members.uploader.url) as client:
        batch = await client.upload_zip(
            archive, project="bench", priority=5, on_bytes=lambda _: None
        )
        uploaded = time.perf_counter()
        while not await is_completed(client, batch):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(POLL_S)
    finished = time.perf_counter()
    await wait_for_rows(stack, batch, photos)
    after = cpu_seconds(stack, members)
    figures = {name: 1000 * (after[name] - before[name]) / photos for name in after}
    return figures | {
        "wall": 1000 * (finished - began) / photos,
        "upload": 1000 * (uploaded - began) / photos,
    }


async def wait_for_rows(stack: Stack, batch: str, photos: int) -> None:
    """Return when every photo has a row of its outcome."""
    records = record_store(stack.settings)
    try:
        async with asyncio.timeout(ROWS_PATIENCE_S):
            while await recorded(records, batch) < photos:  # noqa: ASYNC110 - a table
                await asyncio.sleep(POLL_S)
    finally:
        await records.close()


async def recorded(records: RecordStore, batch: str) -> int:
    """How many photos of the batch have a row of their outcome."""
    counts = await records.counts(batch)
    return sum(counts.values()) - counts.get("queued", 0)


async def is_completed(client: Client, batch: str) -> bool:
    """Whether the batch is done; nobody can say while its owner is busy starting."""
    try:
        return (await client.status(batch)).status == "completed"
    except StreamappError as error:
        if error.fate is Fate.WAIT:
            return False
        raise
