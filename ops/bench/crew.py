"""Child processes, as the worker has them, that work off photos of a folder."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ops.bench.bare import crop_share
from streamapp import vision
from streamapp.vision.children import Children

RUN = 4
"""Photos a job; the stream's runs are of about as many large ones."""
MEMORY_BYTES_MAX = 1 << 30
LIMIT_S = 300.0


class Crew(NamedTuple):
    """What children did: photos a second, CPU milliseconds per photo, largest peak of one (MiB)."""

    photos_s: float
    cpu_ms: float
    peak_mib: float


class Share(NamedTuple):
    """What a job took: CPU seconds, and the child's peak of resident memory so far in MiB."""

    cpu_s: float
    peak_mib: float


async def measure_crew(count: int, photos: Sequence[Path], crops: Path) -> Crew:
    """The photos by so many children; their start is not counted."""
    children = Children(count=count, initializer=vision.warm_up, memory_bytes_max=MEMORY_BYTES_MAX)
    try:
        # Every child is up when each has slept.
        await asyncio.gather(
            *(children.run(time.sleep, 0.5, limit_s=LIMIT_S) for _ in range(count))
        )
        began = time.perf_counter()
        shares = await asyncio.gather(
            *(
                children.run(crop_photos, photos[at : at + RUN], crops, limit_s=LIMIT_S)
                for at in range(0, len(photos), RUN)
            )
        )
        wall_s = time.perf_counter() - began
    finally:
        await children.close()
    return Crew(
        photos_s=len(photos) / wall_s,
        cpu_ms=1000 * sum(share.cpu_s for share in shares) / len(photos),
        peak_mib=max(share.peak_mib for share in shares),
    )


def crop_photos(photos: Sequence[Path], crops: Path) -> Share:
    """The job, in a child.

    Its peak counts in full what it shares with the others: libraries, and what it was forked with.
    """
    cpu_s = crop_share((photos, crops))
    return Share(cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
