"""How long photos stand still when a worker is killed, until another goes on with them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from ops.bench.path import POLL_S, is_completed, wait_for_rows
from streamapp.client import Client
from streamapp.stream.publication import run_photos
from streamapp.wiring.stores import record_store
from streamapp.wiring.values import topics

if TYPE_CHECKING:
    from pathlib import Path

    from ops.services.stack import Stack
    from streamapp.members import Members


async def measure_takeover(stack: Stack, members: Members, archive: Path, photos: int) -> float:
    """Seconds from ``kill -9`` of a worker until each of its partitions has finished a photo again.

    Kill it in the middle of a batch; the times are those that the rows tell.

    Raises:
        RuntimeError: The batch was over too soon.
    """
    async with Client(members.uploader.url) as client:
        batch = await client.upload_zip(
            archive, project="bench", priority=5, on_bytes=lambda _: None
        )
        while (await client.status(batch)).progress.processed < photos // 10:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(POLL_S)
        killed_at = time.time()
        os.kill(members.workers[0].daemon.pid, signal.SIGKILL)
        while not await is_completed(client, batch):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(POLL_S)
    await wait_for_rows(stack, batch, photos)
    first = await _first_after(stack, batch, photos, killed_at)
    if len(first) < topics(stack.settings).partitions:
        raise RuntimeError("a partition had nothing left to do after the kill: take more --photos")
    return max(first.values()) - killed_at


async def _first_after(stack: Stack, batch: str, photos: int, since: float) -> dict[int, float]:
    """By partition, when its first photo after ``since`` was finished."""
    of = topics(stack.settings)
    size = run_photos(photos, of.partitions)
    finished: dict[int, list[float]] = defaultdict(list)
    records = record_store(stack.settings)
    try:
        async for row in records.rows(batch):
            if row.finished_at and row.finished_at > since:
                finished[of.run_partition(batch, row.photo_index // size)].append(row.finished_at)
    finally:
        await records.close()
    return {partition: min(times) for partition, times in finished.items()}
