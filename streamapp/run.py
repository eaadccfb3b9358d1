"""``streamapp run``: ZIPs in, crops and ``results.csv`` out, with everything embedded.

It is the whole service for the time of one job: the same broker, uploader and workers, in a folder
that is removed in the end, however that comes. What services the environment names is ignored: the
job touches nothing but ``out``. A process that dies is started again and the job goes on.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streamapp import archive
from streamapp.client import Client
from streamapp.embedded import Installation
from streamapp.errors import Code, Fate, StreamappError
from streamapp.results import Results, labels
from streamapp.settings import read_settings
from streamapp.signals import run_until_stopped
from streamapp.wiring.stores import object_store, record_store
from streamapp.wiring.values import limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.records.interface import RecordStore
    from streamapp.meter import Meter
    from streamapp.progress import Status
    from streamapp.results import Counts

POLL_S = 0.2


class Summary(NamedTuple):
    """What a job came to; ``work_s`` counts from the first byte uploaded to the last row."""

    counts: Counts
    work_s: float


def run_job(archives: Sequence[Path], out: Path, *, workers: int, meter: Meter) -> Summary:
    """Work off the archives and write their crops and ``results.csv`` into ``out``.

    Raises:
        StreamappError: an archive is refused, the installation does not run, or
            ``FOLDER_UNUSABLE``: ``out`` is a file, read-only or full.
    """
    settings = read_settings(objects_url="", records_url="", records_table="")
    for path in archives:
        _judge(path, limits(settings))
    with _work_folder(out) as work:
        settings = settings.model_copy(update={"data_dir": work / "data"})
        records = record_store(settings)
        meter.say("Starting Kafka, the uploader and the workers")
        with Installation(settings, workers=workers) as installation:
            began = time.monotonic()
            batches = run_until_stopped(Job(installation, records, meter).work_off(archives))
            work_s = time.monotonic() - began
        results = Results(work / "results", objects=object_store(settings), records=records)
        counts = asyncio.run(results.write(batches))
        results.publish(out, replaced=work / "replaced")
        return Summary(counts, work_s)


def _judge(path: Path, bounds: archive.Limits) -> None:
    """Refuse an archive before anything is started for it, and by its name."""

    def read(start: int, length: int) -> bytes:
        file.seek(start)
        return file.read(length)

    try:
        with path.open("rb") as file:
            archive.judge(read, path.stat().st_size, bounds)
    except StreamappError as error:
        detail = f"{path}: {error.detail}" if error.detail else str(path)
        raise StreamappError(error.code, detail) from error


@contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """A folder in ``out``, on the same disk, for everything that is not a result yet."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".streamapp-", dir=out) as work:
            yield Path(work).absolute()
    except OSError as error:
        raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error


class Job:
    """Uploads archives to an installation and waits until every photo has its row."""

    def __init__(self, installation: Installation, records: RecordStore, meter: Meter) -> None:
        self._installation = installation
        self._records = records
        self._meter = meter

    async def work_off(self, archives: Sequence[Path]) -> list[tuple[str, str]]:
        """The archives' labels, each with the id of its batch, in the order given."""
        try:
            async with Client(self._installation.url) as client:
                batches = [
                    (label, await self._upload(client, path))
                    for label, path in zip(labels(archives), archives, strict=True)
                ]
                await self._wait(client, [batch for _, batch in batches])
        finally:
            await self._records.close()
        return batches

    async def _upload(self, client: Client, path: Path) -> str:
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        with self._meter.bar(f"Uploading {path.name}", size) as bar:
            return await client.upload_zip(path, project="run", priority=5, on_bytes=bar.advance)

    async def _wait(self, client: Client, batches: Sequence[str]) -> None:
        statuses: dict[str, Status] = {}
        with self._meter.bar("Finding faces", None) as bar:
            while not await self._all_recorded(statuses, batches):
                await asyncio.sleep(POLL_S)
                self._installation.watch()
                for batch in batches:
                    statuses |= await _ask(client, batch)
                progress = [status.progress for status in statuses.values()]
                bar.show(sum(p.processed for p in progress), sum(p.total for p in progress))

    async def _all_recorded(self, statuses: dict[str, Status], batches: Sequence[str]) -> bool:
        for batch in batches:
            if batch not in statuses or statuses[batch].status != "completed":
                return False
            # The rows follow the progress by a moment.
            if await self._recorded(batch) < statuses[batch].image_count:
                return False
        return True

    async def _recorded(self, batch: str) -> int:
        """How many photos have a row of their outcome."""
        try:
            counts = await self._records.counts(batch)
            return sum(counts.values()) - counts.get("queued", 0)
        except StreamappError as error:
            if error.fate is Fate.WAIT:
                return 0
            raise


async def _ask(client: Client, batch: str) -> dict[str, Status]:
    try:
        status = await client.status(batch)
    except StreamappError as error:
        if error.fate is Fate.WAIT:
            return {}
        raise
    if status.status == "cancelled":
        raise StreamappError(Code.BATCH_CLOSED, "somebody cancelled it")
    return {batch: status}
