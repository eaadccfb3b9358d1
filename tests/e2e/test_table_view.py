"""Any worker tells a batch's whole row of the progress table, as its owner has it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from connectors.workers.views import WorkerViews
from streamapp import progress
from streamapp.keys import TABLE_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation


async def rows_at(urls: list[str], batch: str) -> list[bytes | None]:
    """The batch's row as each of the workers tells it."""
    views = [WorkerViews([url], path=TABLE_PATH) for url in urls]
    try:
        return [await view.ask(batch) for view in views]
    finally:
        await asyncio.gather(*(view.close() for view in views))


def test_every_worker_tells_which_photos_failed(installation: Installation, archive: Path) -> None:
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    workers = [worker.url for worker in installation.members.workers]
    first, second = asyncio.run(rows_at(workers, batch))
    assert first
    assert first == second
    state = progress.decode(first)
    failed = {row.photo_index for row in installation.rows(batch, 123) if row.error_code}
    assert set(progress.indexes_of(state.failed)) == failed
    assert len(failed) == 3
    assert asyncio.run(rows_at(workers, "0" * 32)) == [None, None]
    answer = httpx.get(f"{workers[0]}{TABLE_PATH}/{batch}")
    assert answer.headers["content-type"] == "application/msgpack"
    assert answer.headers["cache-control"] == "no-store"
