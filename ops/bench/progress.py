"""Changelog bytes per photo of a batch's progress, and how fast it is recovered from nothing.

    ./ops/bench/progress [--photos 1000000] [--page PAGE.md]

A real Kafka and the tally of a real worker. For each batch its log is put into Kafka, all but the
last hundredth of its photos; a worker folds it and is killed. Others with empty folders, one after
the other and killed too, recover the table from its changelog, fold what was not acknowledged and
answer: from when Kafka gives them the partitions, and from their start. Medians. Against it: the
bytes of the same rows, had one been written with each event of the log.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from connectors.kafka import admin
from connectors.kafka.embedded import EmbeddedKafka
from ops.bench.batch_log import batch_log, bytes_of_all_rows
from ops.bench.options import new_parser
from ops.bench.page import Page
from ops.bench.tallying import TallyWorker, publish, records_of, stored_bytes
from ops.bench.targets import Target, tell
from streamapp.events import PhotosFinished
from streamapp.topics import Topics

PARTITIONS = 12
RECOVERIES = 3
LEFT = 100
"""One of so many events is not told yet when the worker is killed."""


class Case(NamedTuple):
    """A batch."""

    name: str
    photos: int
    failed: float


class Seconds(NamedTuple):
    """Until a worker answers: from its start, and from when it joins its group."""

    started: float
    joined: float


class Figures(NamedTuple):
    """What became of a batch: bytes per photo, and how long it took."""

    case: Case
    events: int
    every_event: float
    rows: int
    changelog: float
    folded: Seconds
    recovered: Seconds


async def measure(bootstrap: str, kafka: Path, data: Path, case: Case) -> Figures:
    """The whole life of a batch, on topics of its own."""
    topics = Topics(partitions=PARTITIONS, prefix=f"{case.name}.")
    await admin.create(bootstrap, topics.specs(), replication_factor=1)
    whole = list(batch_log(case.name, photos=case.photos, failed=case.failed))
    log = whole[: -len(whole) // LEFT]
    told = sum(len(event.outcomes) for event in log if isinstance(event, PhotosFinished))
    await publish(bootstrap, topics, log)
    folded = await timed(TallyWorker(bootstrap, topics, data / "first"), case.name, told)
    rows = await records_of(bootstrap, topics.progress_changelog, topics.partitions)
    stored = stored_bytes(kafka, topics.progress_changelog)
    recoveries = [
        await timed(TallyWorker(bootstrap, topics, data / f"nothing-{n}"), case.name, told)
        for n in range(RECOVERIES)
    ]
    return Figures(
        case=case,
        events=len(log),
        every_event=bytes_of_all_rows(log) / told,
        rows=rows,
        changelog=stored / told,
        folded=folded,
        recovered=Seconds(*map(statistics.median, zip(*recoveries, strict=True))),
    )


async def timed(worker: TallyWorker, batch: str, told: int) -> Seconds:
    """Until the worker answers with all that was told of the batch; then it is killed."""
    began = time.perf_counter()
    async with worker.running():
        await worker.wait_until_told(batch, told)
        answered = time.perf_counter()
    return Seconds(answered - began, answered - worker.joined_at)


def targets(figures: Sequence[Figures]) -> list[Target]:
    """What the product promises."""
    return [
        *(
            Target(
                f"changelog per photo, {each.case.name}", each.changelog, at_most=10, unit=" bytes"
            )
            for each in figures
        ),
        *(
            Target(f"recovered, {each.case.name}", each.recovered.joined, at_most=3, unit=" s")
            for each in figures
        ),
    ]


def report(page: Page, figures: Sequence[Figures]) -> None:
    """The tables."""
    tell(page, targets(figures))
    page.line("## Figures")
    page.line("")
    page.table(
        [
            "batch",
            "events told",
            "rows written",
            "bytes a photo",
            "with every event",
            "events folded a second",
            "recovered in",
            "since its start",
        ],
        [
            [
                each.case.name,
                f"{each.events:,}",
                f"{each.rows:,}",
                f"{each.changelog:.2f}",
                f"{each.every_event:.1f}",
                f"{each.events / each.folded.joined:,.0f}",
                f"{each.recovered.joined:.2f} s",
                f"{each.recovered.started:.2f} s",
            ]
            for each in figures
        ],
    )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = new_parser("ops/bench/progress", __doc__)
    parser.add_argument(
        "--photos", type=int, default=1_000_000, help="photos of the large batches [1000000]"
    )
    return parser.parse_args(arguments)


async def measure_all(bootstrap: str, kafka: Path, data: Path, photos: int) -> list[Figures]:
    """The batches, one after the other."""
    cases = [
        Case("sound", photos, 0),
        Case("one-in-a-hundred-fails", photos, 0.01),
        Case("a-tenth-as-large", photos // 10, 0.01),
    ]
    return [await measure(bootstrap, kafka, data / case.name, case) for case in cases]


def main() -> None:
    """Measure, print, save."""
    options = parse(sys.argv[1:])
    page = Page(
        "Progress: what the table's changelog costs, and how fast it is back",
        " ".join(["./ops/bench/progress", *sys.argv[1:]]),
    )
    with tempfile.TemporaryDirectory() as folder, EmbeddedKafka(Path(folder) / "kafka") as kafka:
        data = Path(folder)
        figures = asyncio.run(measure_all(kafka.bootstrap, data / "kafka", data, options.photos))
    page.line(
        f"Batches of {options.photos:,} photos, and of {options.photos // 10:,} of which one in a "
        f"hundred fails; frames of 32 outcomes, {PARTITIONS} partitions, one batch at a time."
    )
    page.line("")
    report(page, figures)
    if options.page:
        page.save(options.page)


if __name__ == "__main__":
    main()
