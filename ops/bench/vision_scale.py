"""Photos a second and memory of 1, 2, … child processes.

    ./ops/bench/vision_scale [--photos 96] [--repeats 3] [--quick] [--page PAGE.md]

Children as the worker has them read portraits from a folder and write their crops to another.
The numbers of children take turns; medians, but of memory the largest. Beyond the cores nothing is
to be gained: where that is, is measured too. Those photos are JPEGs; then a child each has one of
the largest size in every other format, for its memory.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ops.bench.crew import RUN, Crew, measure_crew
from ops.bench.format_memory import PEAK_MIB_MAX, format_targets, measure_formats, report_formats
from ops.bench.options import new_parser
from ops.bench.page import Page
from ops.bench.portraits import make_portrait
from ops.bench.targets import Target, tell
from streamapp.vision.children import cores

SIZES_MP = (1, 12)
VARIANTS = 6
FASTER_WITH_TWO = 1.8

Crews = dict[int, Crew]
"""By the number of children."""


def measure(folder: Path, megapixels: float, photos: int, repeats: int) -> Crews:
    """The crews at photos of a size."""
    crops = folder / "crops"
    crops.mkdir()
    variants = [make_portrait(seed, megapixels) for seed in range(min(photos, VARIANTS))]
    paths = [folder / f"{number:06d}.jpg" for number in range(photos)]
    for number, path in enumerate(paths):
        path.write_bytes(variants[number % len(variants)])
    counts = sorted({1, 2, cores(), 2 * cores()})
    runs = [
        {count: asyncio.run(measure_crew(count, paths, crops)) for count in counts}
        for _ in range(repeats)
    ]
    return {count: middle([run[count] for run in runs]) for count in counts}


def middle(crews: Sequence[Crew]) -> Crew:
    """The medians, and the largest peak."""
    photos_s, cpu_ms, peak_mib = zip(*crews, strict=True)
    return Crew(statistics.median(photos_s), statistics.median(cpu_ms), max(peak_mib))


def targets(sizes: dict[int, Crews]) -> list[Target]:
    """Of two children, and of the memory of any."""
    told = []
    for megapixels, crews in sizes.items():
        faster = crews[2].photos_s / crews[1].photos_s
        peak_mib = max(crew.peak_mib for crew in crews.values())
        told += [
            Target(f"two children over one, {megapixels} MP", faster, FASTER_WITH_TWO, unit="×"),
            Target(f"a child, {megapixels} MP", peak_mib, at_most=PEAK_MIB_MAX, unit=" MiB"),
        ]
    return told


def report(page: Page, sizes: dict[int, Crews]) -> None:
    """A table for each size."""
    for megapixels, crews in sizes.items():
        page.line(f"## {megapixels} MP")
        page.line("")
        page.table(
            ["children", "photos a second", "of one", "CPU ms per photo", "peak RSS, MiB"],
            [
                [
                    str(count),
                    f"{crew.photos_s:.1f}",
                    f"{crew.photos_s / crews[1].photos_s:.2f}×",
                    f"{crew.cpu_ms:.1f}",
                    f"{crew.peak_mib:.0f}",
                ]
                for count, crew in crews.items()
            ],
        )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = new_parser("ops/bench/vision_scale", __doc__)
    parser.add_argument("--photos", type=int, default=96, help="photos of each size [96]")
    parser.add_argument("--repeats", type=int, default=3, help="turns that count [3]")
    parser.add_argument("--quick", action="store_true", help="a few photos of 1 MP, once")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, print, save."""
    options = parse(sys.argv[1:])
    sizes_mp = SIZES_MP[:1] if options.quick else SIZES_MP
    photos, repeats = (4 * RUN, 1) if options.quick else (options.photos, options.repeats)
    page = Page("Vision: scale", " ".join(["./ops/bench/vision_scale", *sys.argv[1:]]))
    page.line(f"{photos} portraits of each size, {repeats} repeats in turn; {cores()} cores.")
    page.line("")
    sizes = {}
    for megapixels in sizes_mp:
        with tempfile.TemporaryDirectory() as folder:
            sizes[megapixels] = measure(Path(folder), megapixels, photos, repeats)
    largest = sizes_mp[-1]
    with tempfile.TemporaryDirectory() as folder:
        formats = measure_formats(Path(folder), largest)
    tell(page, targets(sizes) + format_targets(formats, largest))
    report(page, sizes)
    report_formats(page, formats, largest)
    if options.page:
        # Children import what this module does, and matplotlib would be a fifth of their memory.
        from ops.bench.scale_plot import draw  # noqa: PLC0415

        plot = options.page.with_suffix(".svg")
        draw(plot, sizes)
        page.line(f"![Speed and memory by the number of children]({plot.name})")
        page.save(options.page)


if __name__ == "__main__":
    main()
