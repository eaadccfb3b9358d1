"""Archives in: against a bare copy into the store, with memory, disk and the time to a first crop.

    ./ops/bench/ingest [--gigabytes 5] [--entries 1000000] [--repeats 3] [--quick] [--page PAGE.md]

Uploads go over loopback HTTP into MinIO and take turns with MinIO's own client, ``mc cp``, of the
same file into the same store; medians. Then four uploads at once beside a client that trickles, and
an archive of very many tiny photos. Needs about four times the archive of disk.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ops.bench.archives import GIGABYTE, make_archive, make_tiny_archive
from ops.bench.expansion import Expansion, measure_expansion
from ops.bench.options import new_parser
from ops.bench.page import Page
from ops.bench.process import peak_mib, written_bytes
from ops.bench.sending import Trickle, send
from ops.bench.store_copy import StoreCopy
from ops.bench.targets import Target, tell
from ops.services.stack import Stack, on_own_topics, real_services
from streamapp.members import Members
from streamapp.wiring.stores import object_store

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL_BYTES = GIGABYTE // 20
CROWD = 4
CROP_POLL_S = 0.01
CROP_PATIENCE_S = 60.0


class Ingest(NamedTuple):
    """Seconds of a copy and of an upload; the uploader's peak in MiB, small and large; its disk."""

    copy_s: float
    upload_s: float
    small_mib: float
    large_mib: float
    written: int


class Crowd(NamedTuple):
    """Seconds of uploads at once, the uploader's peak in MiB, and what the slow client was told."""

    wall_s: float
    peak_mib: float
    slow_answer: str


@contextmanager
def uploader(stack: Stack) -> Iterator[tuple[str, int]]:
    """A fresh uploader without workers: its address and its process id."""
    with Members(stack.settings, workers=0) as members:
        yield members.uploader.url, members.uploader.daemon.pid


def measure_ingest(stack: Stack, archive: Path, small: Path, repeats: int) -> Ingest:
    """Copies and uploads of an archive in turn; a first one of each is not counted."""
    with uploader(stack) as (url, pid):
        send(url, small)
        small_mib = peak_mib(pid)
    copies, uploads = [], []
    with uploader(stack) as (url, pid), StoreCopy(stack.settings) as store:
        before = written_bytes(pid)
        for _ in range(repeats + 1):
            copies.append(store.copy(archive))
            uploads.append(send(url, archive).wall_s)
            store.empty()
        written = written_bytes(pid) - before
        large_mib = peak_mib(pid)
    return Ingest(
        statistics.median(copies[1:]),
        statistics.median(uploads[1:]),
        small_mib,
        large_mib,
        written,
    )


def first_crop_s(stack: Stack, archive: Path, small: Path) -> float:
    """Seconds from the last byte of an upload to its first crop in the store.

    A small archive goes before it, so that the worker's children have started.
    """
    store = object_store(stack.settings)
    with on_own_topics(stack, "first-crop-") as own, Members(own.settings) as members:
        for each in (small, archive):
            upload = send(members.uploader.url, each)
            deadline = upload.last_byte_at + CROP_PATIENCE_S
            while next(iter(store.listing(f"crops/{upload.batch}/")), None) is None:
                if time.perf_counter() > deadline:
                    raise RuntimeError("no crop came")
                time.sleep(CROP_POLL_S)
        return time.perf_counter() - upload.last_byte_at


def measure_crowd(stack: Stack, archive: Path) -> Crowd:
    """Uploads at once, beside a client that trickles."""
    with uploader(stack) as (url, pid):
        slow = Trickle(url)
        slow.start()
        began = time.perf_counter()
        with ThreadPoolExecutor(CROWD) as threads:
            list(threads.map(lambda n: send(url, archive, f"crowd-{n}"), range(CROWD)))
        wall_s = time.perf_counter() - began
        peak = peak_mib(pid)
        slow.join(120)
    return Crowd(wall_s, peak, slow.answer.partition(b"\r\n")[0].decode())


def targets(ingest: Ingest, crop_s: float, expansion: Expansion) -> list[Target]:
    """What the product promises."""
    return [
        Target("an upload over `mc cp`", ingest.upload_s / ingest.copy_s, at_most=1.3, unit="×"),
        Target("the uploader's peak", ingest.large_mib, at_most=150, unit=" MiB"),
        Target(
            "of it, beyond that of 50 MB",
            ingest.large_mib - ingest.small_mib,
            at_most=10,
            unit=" MiB",
        ),
        Target("written to a local disk", ingest.written, at_most=0, unit=" bytes"),
        Target("last byte to first crop", crop_s, at_most=1, unit=" s"),
        Target("the worker's peak", expansion.peak_mib, at_most=500, unit=" MiB"),
    ]


def report(page: Page, size: int, ingest: Ingest, crowd: Crowd, expansion: Expansion) -> None:
    """The tables."""
    page.line("## Figures")
    page.line("")
    rate = size / 1e6
    page.table(
        ["", "seconds", "MB a second"],
        [
            ["`mc cp`", f"{ingest.copy_s:.2f}", f"{rate / ingest.copy_s:.0f}"],
            ["upload", f"{ingest.upload_s:.2f}", f"{rate / ingest.upload_s:.0f}"],
        ],
    )
    page.line(
        f"The uploader's peak: {ingest.small_mib:.0f} MiB after 50 MB, {ingest.large_mib:.0f} MiB "
        f"after {size / GIGABYTE:g} GB; with {CROWD} uploads at once {crowd.peak_mib:.0f} MiB, all "
        f"of them taken in {crowd.wall_s:.1f} s. The client that trickled beside them was told "
        f"`{crowd.slow_answer}`."
    )
    page.line("")
    page.line(
        f"{expansion.entries:,} tiny photos: taken in {expansion.upload_s:.1f} s, of which "
        f"{expansion.judged_s:.1f} s after the last byte; expanded in {expansion.expand_s:.1f} s, "
        f"{expansion.entries / expansion.expand_s:,.0f} entries a second; the worker's peak "
        f"{expansion.peak_mib:.0f} MiB, the uploader's {expansion.uploader_mib:.0f} MiB."
    )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = new_parser("ops/bench/ingest", __doc__)
    parser.add_argument("--gigabytes", type=float, default=5, help="of the archive [5]")
    parser.add_argument("--entries", type=int, default=1_000_000, help="tiny photos [1000000]")
    parser.add_argument("--repeats", type=int, default=3, help="turns that count [3]")
    parser.add_argument("--quick", action="store_true", help="0.1 GB, 20,000 entries, once")
    options = parser.parse_args(arguments)
    if options.quick:
        options.gigabytes, options.entries, options.repeats = 0.1, 20_000, 1
    return options


def main() -> None:
    """Measure, print, save."""
    options = parse(sys.argv[1:])
    page = Page(
        "Ingest: archives in, against a bare copy",
        " ".join(["./ops/bench/ingest", *sys.argv[1:]]),
    )
    with tempfile.TemporaryDirectory() as folder, real_services(Path(folder)) as stack:
        data = Path(folder)
        size = int(options.gigabytes * GIGABYTE)
        archive, small, fifth, tiny = (
            data / name for name in ("large.zip", "small.zip", "fifth.zip", "tiny.zip")
        )
        photos = make_archive(archive, size)
        make_archive(small, SMALL_BYTES)
        make_archive(fifth, size // 5)
        page.line(
            f"A ZIP of {photos:,} photos of 200 KB, {options.gigabytes:g} GB; medians of "
            f"{options.repeats} repeats in turn."
        )
        page.line("")
        ingest = measure_ingest(stack, archive, small, options.repeats)
        crop_s = first_crop_s(stack, archive, small)
        archive.unlink()
        crowd = measure_crowd(stack, fifth)
        make_tiny_archive(tiny, options.entries)
        expansion = measure_expansion(stack, tiny, options.entries)
    tell(page, targets(ingest, crop_s, expansion))
    report(page, size, ingest, crowd, expansion)
    if options.page:
        page.save(options.page)


if __name__ == "__main__":
    main()
