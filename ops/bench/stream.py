"""What replicas bring, what the stream costs beside the vision, and how long a takeover takes.

    ./ops/bench/stream [--photos 2000] [--repeats 3] [--megapixels 4] [--page PAGE.md]

One and two workers of one child each, with an uploader, Kafka, MinIO and MariaDB on the same
machine, against a bare loop in one and in two processes: the same vision code over local files. All
take turns; every figure is a median. Then a worker of two is killed in the middle of a batch. Only
the ratios of one run mean much.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ops.bench.bare import measure_bare
from ops.bench.options import parse_path
from ops.bench.page import Page
from ops.bench.path import Figures, measure_path
from ops.bench.photos import prepare
from ops.bench.takeover import measure_takeover
from ops.services.stack import Stack, real_services
from streamapp.members import Members
from streamapp.vision.cores import cores

COMMAND = "ops/bench/stream"
REPLICAS = (1, 2)
LIMIT_S = 10.0
"""What is promised of a takeover."""


def measure_replicas(
    stack: Stack, archive: Path, photos: int, *, workers: int, repeats: int
) -> list[Figures]:
    """The path with so many workers; a first batch warms them and is not counted."""
    with Members(stack.settings, workers=workers) as members:
        runs = [
            asyncio.run(measure_path(stack, members, archive, photos)) for _ in range(1 + repeats)
        ]
    return runs[1:]


def measure_takeovers(stack: Stack, archive: Path, photos: int, *, repeats: int) -> list[float]:
    """Seconds of each takeover; two workers are started anew for each."""
    found = []
    for _ in range(repeats):
        with Members(stack.settings, workers=2) as members:
            found.append(asyncio.run(measure_takeover(stack, members, archive, photos)))
    return found


def kafka_bytes(data: Path) -> dict[str, int]:
    """Bytes that the partitions of each topic take on the broker's disk, their indexes left out."""
    found: dict[str, int] = {}
    for segment in (data / "kafka").rglob("*.log"):
        topic, _, partition = segment.parent.name.rpartition("-")
        if topic and partition.isdigit():
            found[topic] = found.get(topic, 0) + segment.stat().st_size
    return found


def median(runs: Sequence[Figures], name: str) -> float:
    """The median of a figure."""
    return statistics.median(run[name] for run in runs)


def after_upload(runs: Sequence[Figures]) -> float:
    """Median wall time of a photo, from the end of the upload on."""
    return statistics.median(run["wall"] - run["upload"] for run in runs)


def worker_cpu(runs: Sequence[Figures]) -> float:
    """Median CPU of a photo in all processes of the workers."""
    return statistics.median(run["CPU worker parent"] + run["CPU worker children"] for run in runs)


def report_replicas(
    page: Page, bare: dict[int, list[Figures]], path: dict[int, list[Figures]]
) -> None:
    """The tables of what replicas bring and cost."""
    page.table(
        ["milliseconds per photo", *(f"{n} replica{'s'[: n - 1]}" for n in REPLICAS), "gain"],
        [
            _gain("bare loop, wall", *(median(bare[n], "wall") for n in REPLICAS)),
            _gain("stream, wall after the upload", *(after_upload(path[n]) for n in REPLICAS)),
            _gain("stream, wall with the upload", *(median(path[n], "wall") for n in REPLICAS)),
        ],
    )
    page.table(
        ["CPU, milliseconds per photo", "bare loop", "worker", "ratio"],
        [
            [f"{n} at once", f"{own:.2f}", f"{of:.2f}", f"{of / own:.2f}×"]
            for n in REPLICAS
            for own, of in [(median(bare[n], "CPU"), worker_cpu(path[n]))]
        ],
    )


def report_saturation(page: Page, runs: Sequence[Figures], available: int) -> None:
    """What all processes together cost, and so how fast these cores could be at best."""
    cpu = statistics.median(
        sum(value for name, value in run.items() if name.startswith("CPU ")) for run in runs
    )
    wall = median(runs, "wall")
    page.table(
        ["milliseconds per photo, 2 replicas, the upload included", ""],
        [
            ["CPU of all processes, services and uploader too", f"{cpu:.2f}"],
            [f"wall at best, on {available} cores", f"{cpu / available:.2f}"],
            ["wall", f"{wall:.2f}"],
            ["cores in use", f"{cpu / available / wall:.0%}"],
        ],
    )


def _gain(name: str, one: float, two: float) -> list[str]:
    return [name, f"{one:.2f}", f"{two:.2f}", f"{one / two:.2f}×"]


def report_kafka(page: Page, by_topic: dict[str, int], photos: int) -> None:
    """The bytes of each topic, for ``photos`` in all."""
    page.table(
        ["topic", "bytes per photo"],
        [
            *([topic, f"{size / photos:.1f}"] for topic, size in sorted(by_topic.items()) if size),
            ["all", f"{sum(by_topic.values()) / photos:.1f}"],
        ],
    )


def report_takeovers(page: Page, seconds: Sequence[float]) -> None:
    """The median and the worst."""
    page.table(
        ["takeover after kill -9", "median", "worst", "promised"],
        [
            [
                f"seconds, of {len(seconds)}",
                f"{statistics.median(seconds):.1f}",
                f"{max(seconds):.1f}",
                f"{LIMIT_S:g}",
            ]
        ],
    )


def main() -> None:
    """Measure, print, save."""
    options = parse_path(COMMAND, __doc__, sys.argv[1:], photos=2000, megapixels=4)
    page = Page("Stream: replicas, cost, takeover", " ".join([f"./{COMMAND}", *sys.argv[1:]]))
    page.line(
        f"{options.photos} photos of {options.megapixels:g} MP, {options.repeats} repeats in turn, "
        "medians; each replica has one child."
    )
    page.line("")
    bare: dict[int, list[Figures]] = {n: [] for n in REPLICAS}
    path: dict[int, list[Figures]] = {n: [] for n in REPLICAS}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        photos, archive, crops = prepare(data, photos=options.photos, megapixels=options.megapixels)
        with real_services(data, worker_concurrency=1) as stack:
            for _ in range(options.repeats):
                for n in REPLICAS:
                    bare[n].append(measure_bare(photos, crops, processes=n))
                    path[n] += measure_replicas(stack, archive, len(photos), workers=n, repeats=1)
            report_replicas(page, bare, path)
            report_saturation(page, path[REPLICAS[-1]], cores())
            done = sum(len(runs) for runs in path.values()) * 2 * len(photos)
            report_kafka(page, kafka_bytes(data), done)
            took = measure_takeovers(stack, archive, len(photos), repeats=options.repeats)
            report_takeovers(page, took)
    if options.page:
        page.save(options.page)


if __name__ == "__main__":
    main()
