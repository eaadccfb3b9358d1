"""The job of ``streamapp upload``: each file or folder becomes a batch, one after the other.

Doing it again gives the same batches, and goes on with the one that was under way: so the first
error ends it, and what came before is not lost.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamapp.client import Client
from streamapp.errors import StreamappError
from streamapp.upload_files.memory import Memory, state_folder
from streamapp.upload_files.sending import Patience, Sending, passes
from streamapp.upload_files.tus import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streamapp.meter import Meter
    from streamapp.progress import Status
    from streamapp.upload_files.tasks import Task

POLL_S = 0.5


class Job:
    """Uploads to the uploader at ``url``; ``tell`` hears of each batch and how far it is."""

    def __init__(
        self,
        url: str,
        meter: Meter,
        tell: Callable[[Path, str, Status | None], None],
        *,
        patience_s: float,
    ) -> None:
        self._url = url
        self._meter = meter
        self._tell = tell
        self._patience_s = patience_s
        self._memory = Memory(state_folder())

    async def work_off(self, tasks: Sequence[Task], *, wait: bool) -> bool:
        """Upload all, then wait for each with ``wait``; False when one was cancelled.

        Raises:
            StreamappError: as the uploader answered; ``UPLOADER_AWAY`` and its like after all
                patience; ``FOLDER_UNUSABLE``.
        """
        well = True
        async with Client(self._url) as client:
            batches = []
            for task in tasks:
                batch = await self._upload(client, task)
                batches.append((task, batch))
                if wait:
                    self._meter.say(f"{task.path} is batch {batch}")
                else:
                    self._tell(task.path, batch, await _ask(client, batch))
            for task, batch in batches if wait else ():
                status = await self._end(client, task, batch)
                self._tell(task.path, batch, status)
                well = well and status.status != "cancelled"
        return well

    async def _upload(self, client: Client, task: Task) -> str:
        source = task.source
        with self._meter.bar(f"Uploading {source.name}", source.length) as bar:
            sending = Sending(
                Uploads(client), self._memory, bar, url=self._url, patience_s=self._patience_s
            )
            return await sending.send(source, task.order)

    async def _end(self, client: Client, task: Task, batch: str) -> Status:
        patience = Patience(self._patience_s)
        with self._meter.bar(f"Finding faces in {task.source.name}", None) as bar:
            while True:
                try:
                    status = await client.status(batch)
                except StreamappError as error:
                    if not passes(error):
                        raise
                    bar.note(f"trying again after {error.code.code}")
                    await patience.pause(error)
                    continue
                patience.renew()
                bar.note("")
                bar.show(status.progress.processed, status.progress.total)
                if status.status in {"completed", "cancelled"}:
                    return status
                await asyncio.sleep(POLL_S)


async def _ask(client: Client, batch: str) -> Status | None:
    """How far the batch is, None while nobody can say: it is taken in all the same."""
    try:
        return await client.status(batch)
    except StreamappError as error:
        if not passes(error):
            raise
        return None
