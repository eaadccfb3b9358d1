"""The job of ``streamapp upload``: each file or folder becomes a batch, one after the other.

One that fails is told, and the others go on. Doing it again gives the same batches, and goes on
with the one that was under way.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamapp.client import Client
from streamapp.errors import Code, StreamappError
from streamapp.upload_files.memory import Memory, state_folder
from streamapp.upload_files.sending import Sending, passes
from streamapp.upload_files.tus import Uploads
from streamapp.upload_files.watching import end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from streamapp.meter import Meter
    from streamapp.progress import Status
    from streamapp.upload_files.tasks import Task

_FOR_ALL = frozenset({Code.NOT_THE_UPLOADER, Code.ROUTE_UNKNOWN, Code.METHOD_NOT_ALLOWED})
"""What is wrong with the uploader's address, so with every upload to it."""


class Job:
    """Uploads to the uploader at ``url``.

    ``tell`` hears of each batch and how far it is, ``complain`` of each that failed.
    """

    def __init__(
        self,
        url: str,
        meter: Meter,
        tell: Callable[[Path, str, Status | None], None],
        complain: Callable[[Path, StreamappError], None],
        *,
        patience_s: float,
    ) -> None:
        self._url = url
        self._meter = meter
        self._tell = tell
        self._complain = complain
        self._patience_s = patience_s
        self._memory = Memory(state_folder())
        self._well = True

    async def work_off(self, tasks: Sequence[Task], *, wait: bool) -> bool:
        """Upload all, then wait for each with ``wait``; False when one failed or was cancelled.

        Raises:
            StreamappError: what no other would fare better with: ``UPLOADER_AWAY`` and its like
                after all patience; ``NOT_THE_UPLOADER`` and its like.
        """
        async with Client(self._url) as client:
            batches = []
            for task in tasks:
                with self._alone(task):
                    batch = await self._upload(client, task)
                    batches.append((task, batch))
                    if wait:
                        self._meter.say(f"{task.path} is batch {batch}")
                    else:
                        self._tell(task.path, batch, await _ask(client, batch))
            for task, batch in batches if wait else ():
                with self._alone(task):
                    status = await self._end(client, task, batch)
                    self._tell(task.path, batch, status)
                    self._well &= status.status != "cancelled"
            for task, _ in batches:
                self._memory.forget(task.order.digest(self._url, task.source.fingerprint))
        return self._well

    @contextmanager
    def _alone(self, task: Task) -> Iterator[None]:
        """What ails this one is told, and the others go on."""
        try:
            yield
        except StreamappError as error:
            if passes(error) or error.code in _FOR_ALL:
                raise
            self._well = False
            self._complain(task.path, error)

    async def _upload(self, client: Client, task: Task) -> str:
        source = task.source
        with self._meter.bar(f"Uploading {source.title}", source.length) as bar:
            sending = Sending(
                Uploads(client),
                self._memory,
                bar,
                self._meter.say,
                url=self._url,
                patience_s=self._patience_s,
            )
            return await sending.send(source, task.order)

    async def _end(self, client: Client, task: Task, batch: str) -> Status:
        with self._meter.bar(f"Finding faces in {task.source.title}", None) as bar:
            return await end_of(client, batch, bar, patience_s=self._patience_s)


async def _ask(client: Client, batch: str) -> Status | None:
    """How far the batch is, None while nobody can say: it is taken in all the same."""
    try:
        return await client.status(batch)
    except StreamappError as error:
        if not passes(error):
            raise
        return None
