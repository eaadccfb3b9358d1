"""Rows a second that the database takes, and how soon it answers with thousands of batches in it.

    ./ops/bench/records [--photos 100000] [--page PAGE.md]

A real MariaDB and SQLite, by the record stores of a worker, one call after the other: photos as
they are queued (256 in a call), their outcomes over these rows (32 in a call, as a frame brings
them, and 1,024, as frames that waited), outcomes without rows before them. Against it: the same
outcomes inserted by the client alone into a table that has a primary key and no index, 1,024 in a
statement. Then the questions of the pages, at places taken by chance.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from connectors.records.columns import COLUMNS, to_values
from connectors.records.interface import BatchRecord, PhotoRecord, RecordStore
from connectors.records.mysql import MysqlRecords
from connectors.records.sqlite import SqliteRecords
from ops.bench.options import new_parser
from ops.bench.page import Page
from ops.bench.plain_rows import Plain, PlainMysql, PlainSqlite
from ops.bench.targets import Target, tell
from ops.services.mariadb import MariadbServer
from streamapp.events import Cursor, ExpansionAdvanced
from streamapp.keys import crop_key, record_id
from streamapp.stream.record import queued_rows

PIECE, FRAME, BULK = 256, 32, 1024
BATCHES = 10_000
QUESTIONS = 300


class Figures(NamedTuple):
    """Rows a second by what was written, and milliseconds (p50, p99) by what was asked."""

    database: str
    rows: dict[str, float]
    answers: dict[str, tuple[float, float]]


def queued(batch: str, photos: int) -> list[PhotoRecord]:
    """The rows of photos that wait."""
    names = tuple((index, f"album {index % 40}/IMG_{index:06d}.jpg") for index in range(photos))
    cursor = Cursor(index=photos)
    return queued_rows(
        ExpansionAdvanced(batch=batch, project="bench", first_index=0, cursor=cursor, names=names)
    )


def outcomes(batch: str, photos: int) -> list[PhotoRecord]:
    """The rows of photos with a face each, but for every hundredth, which failed."""
    return [
        failed(batch, index) if index % 100 == 0 else face(batch, index) for index in range(photos)
    ]


def failed(batch: str, index: int) -> PhotoRecord:
    """A row of a photo that failed."""
    return PhotoRecord(
        id=record_id(batch, index),
        batch_id=batch,
        project_id="bench",
        photo_index=index,
        photo_name=f"album {index % 40}/IMG_{index:06d}.jpg",
        processing_status="failed",
        error_code="photo_broken",
        error_detail="cut off",
        finished_at=1.8e9 + index / 1000,
    )


def face(batch: str, index: int) -> PhotoRecord:
    """A row of a photo with a face."""
    url = f"http://minio:9000/streamapp/{crop_key(batch, index)}"
    return PhotoRecord(
        id=record_id(batch, index),
        batch_id=batch,
        project_id="bench",
        photo_index=index,
        photo_name=f"album {index % 40}/IMG_{index:06d}.jpg",
        processing_status="completed",
        face_detected=True,
        cropped_photo_url=url,
        face_crop_url=url,
        face_x=index % 1000,
        face_y=index % 700,
        face_width=300,
        face_height=390,
        face_score=0.93,
        face_sharpness=412.5,
        face_brightness=120.25,
        face_tilt=-3.5,
        finished_at=1.8e9 + index / 1000,
    )


async def rate(
    write: Callable[[Sequence[PhotoRecord]], Awaitable[None]], rows: list[PhotoRecord], size: int
) -> float:
    """Rows a second, ``size`` in a call."""
    began = time.perf_counter()
    for start in range(0, len(rows), size):
        await write(rows[start : start + size])
    return len(rows) / (time.perf_counter() - began)


async def measure(name: str, store: RecordStore, plain: Plain, photos: int) -> Figures:
    """All that is asked of one database."""
    await store.prepare()
    rows = {
        "queued photos, 256 in a call": await rate(store.upsert, queued("b1", photos), PIECE),
        "outcomes over them, 32 in a call": await rate(store.upsert, outcomes("b1", photos), FRAME),
        "queued photos, again": await rate(store.upsert, queued("b2", photos), PIECE),
        "outcomes over them, 1,024 in a call": await rate(
            store.upsert, outcomes("b2", photos), BULK
        ),
        "outcomes alone, 32 in a call": await rate(store.upsert, outcomes("b3", photos), FRAME),
        "outcomes alone, 1,024 in a call": await rate(store.upsert, outcomes("b4", photos), BULK),
        "inserted by the client alone": plain.rate(
            [to_values(row) for row in outcomes("b5", photos)], COLUMNS, BULK
        ),
    }
    for number in range(BATCHES):
        await store.upsert_batch(batch(number))
    chance = Random(7)  # noqa: S311 - no secret
    return Figures(name, rows, await answers(store, photos, chance))


def batch(number: int) -> BatchRecord:
    """One of ten thousand, of a hundred projects."""
    return BatchRecord(
        id=f"{number:032x}",
        project_id=f"project {number % 100}",
        status="processing" if number % 50 == 0 else "completed",
        priority=5,
        photos=1000,
        processed=900,
        created_at=1.8e9 + number,
    )


async def answers(
    store: RecordStore, photos: int, chance: Random
) -> dict[str, tuple[float, float]]:
    """How long the database takes for the questions of the pages."""
    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "100 photos of a batch": lambda: store.photos("b1", after=chance.randrange(photos)),
        "100 failed ones": lambda: store.photos(
            "b1", state="failed", after=chance.randrange(photos)
        ),
        "a photo": lambda: store.photo("b1", chance.randrange(photos)),
        "50 batches": lambda: store.batches(before=f"{chance.randrange(BATCHES):032x}"),
        "50 batches of a project": lambda: store.batches(
            project=f"project {chance.randrange(100)}"
        ),
        "50 batches in work": lambda: store.batches(status="processing"),
    }
    return {name: await timed(ask) for name, ask in questions.items()}


async def timed(ask: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Median and 99th percentile of a question, in milliseconds."""
    taken = []
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        await ask()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def report(page: Page, figures: Sequence[Figures]) -> None:
    """The tables."""
    mariadb = figures[0]
    bulk = mariadb.rows["outcomes alone, 1,024 in a call"]
    batches = mariadb.answers["50 batches"][1]
    tell(
        page,
        [
            Target("photos a second in bulk, MariaDB", bulk, at_least=5000),
            Target("a list of 10,000 batches, p99, MariaDB", batches, at_most=100, unit=" ms"),
        ],
    )
    for heading, of in (("Rows a second", "rows"), ("Answers, p50 / p99 in ms", "answers")):
        page.line(f"## {heading}")
        page.line("")
        names = getattr(mariadb, of)
        page.table(
            ["", *(each.database for each in figures)],
            [[name, *(said(getattr(each, of)[name]) for each in figures)] for name in names],
        )


def said(figure: float | tuple[float, float]) -> str:
    """A cell."""
    if isinstance(figure, tuple):
        return " / ".join(f"{each:.2f}" for each in figure)
    return f"{figure:,.0f}"


async def measure_all(folder: Path, photos: int) -> list[Figures]:
    """Both databases, one after the other."""
    with MariadbServer(folder / "mariadb") as server:
        mysql = MysqlRecords.from_url(server.url)
        found = [await measure("MariaDB", mysql, PlainMysql(server.url), photos)]
        await mysql.close()
    sqlite = SqliteRecords(folder / "records.sqlite")
    found.append(await measure("SQLite", sqlite, PlainSqlite(folder / "records.sqlite"), photos))
    await sqlite.close()
    return found


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = new_parser("ops/bench/records", __doc__)
    parser.add_argument("--photos", type=int, default=100_000, help="photos of a batch [100000]")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, print, save."""
    options = parse(sys.argv[1:])
    page = Page(
        "Records: rows a second, and the questions of the pages",
        " ".join(["./ops/bench/records", *sys.argv[1:]]),
    )
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure_all(Path(folder), options.photos))
    page.line(f"Batches of {options.photos:,} photos, {BATCHES:,} rows of batches.")
    page.line("")
    report(page, figures)
    if options.page:
        page.save(options.page)


if __name__ == "__main__":
    main()
