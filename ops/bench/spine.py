"""Photos a second end to end, CPU of each process, and the ratio to a bare loop.

    ./ops/bench/spine [--photos 1000] [--repeats 3] [--megapixels 1] [--page PAGE.md]

One uploader and one worker with two children, with Kafka, MinIO and MariaDB on the same machine,
against a bare loop: two processes with the same vision code over local files, crops written to a
local folder. The two take turns; every figure is a median. Only the ratios of one run mean much.
"""

from __future__ import annotations

import argparse
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
from ops.services.stack import real_services
from streamapp.members import Members

COMMAND = "ops/bench/spine"
CHILDREN = 2


def median(runs: Sequence[Figures]) -> Figures:
    """The medians, name by name."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def report(page: Page, bare: Figures, path: Figures, options: argparse.Namespace) -> None:
    """The tables."""
    page.line(
        f"{options.photos} photos of {options.megapixels:g} MP, {options.repeats} repeats in "
        f"turn, medians; {CHILDREN} children against {CHILDREN} bare processes; "
        "milliseconds per photo."
    )
    page.line("")
    worker = path["CPU worker parent"] + path["CPU worker children"]
    after_upload = path["wall"] - path["upload"]
    page.table(
        ["", "bare loop", "whole path", "ratio"],
        [
            ["photos a second", f"{1000 / bare['wall']:.0f}", f"{1000 / path['wall']:.0f}", ""],
            row("wall, upload included", bare["wall"], path["wall"]),
            row("wall, after the upload", bare["wall"], after_upload),
            row("CPU, worker's processes only", bare["CPU"], worker),
        ],
    )
    names = sorted(name for name in path if name.startswith("CPU "))
    page.table(
        ["process", "CPU ms per photo"],
        [[name.removeprefix("CPU "), f"{path[name]:.2f}"] for name in names],
    )


def row(name: str, bare: float, path: float) -> list[str]:
    """A row with its ratio."""
    return [name, f"{bare:.2f}", f"{path:.2f}", f"{path / bare:.2f}×"]


def main() -> None:
    """Measure, print, save."""
    options = parse_path(COMMAND, __doc__, sys.argv[1:], photos=1000, megapixels=1)
    page = Page(
        "Spine: the whole path against a bare loop", " ".join([f"./{COMMAND}", *sys.argv[1:]])
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        photos, archive, crops = prepare(data, photos=options.photos, megapixels=options.megapixels)
        bare, path = [], []
        with (
            real_services(data, worker_concurrency=CHILDREN) as stack,
            Members(stack.settings, workers=1) as members,
        ):
            # The first of each warms caches and compilers and is not counted.
            for _ in range(options.repeats + 1):
                bare.append(measure_bare(photos, crops, processes=CHILDREN))
                path.append(asyncio.run(measure_path(stack, members, archive, len(photos))))
        report(page, median(bare[1:]), median(path[1:]), options)
    if options.page:
        page.save(options.page)


if __name__ == "__main__":
    main()
