"""CPU time per photo of this pipeline, its rivals and the floor, and of the pipeline's stages.

    ./ops/bench/vision_speed [--photos DIR] [--variants 6] [--repeats 5] [--quick] [--page PAGE.md]

All take turns at every photo, in one process with one thread. The photos are in memory; the figure
of a repeat is the mean over its photos, what is told is the median of the repeats. The photos are
made; those of DIR, portraits of one person each, are scaled to the same sizes and measured, too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ops.bench.contestants import Contestant, contestants
from ops.bench.options import new_parser
from ops.bench.page import Page
from ops.bench.photos import make_photo
from ops.bench.portraits import make_portrait
from ops.bench.real_portraits import from_folder
from ops.bench.speed_plot import draw
from ops.bench.speed_tables import Figures, Measured, report, targets
from ops.bench.stages import stage_ms
from ops.bench.targets import tell

GROUPS: dict[str, Callable[[int, float], bytes]] = {
    "Portraits, the face a third of the height": make_portrait,
    "Small faces, an eighth of the height": make_photo,
}
REAL = "Real portraits, scaled"
SIZES_MP = (1, 4, 12)


def measure(photos: Sequence[bytes], megapixels: float, repeats: int) -> Measured:
    """The medians of the repeats; a first photo warms all up and does not count."""
    rivals = contestants()
    measure_once(photos[:1], rivals)
    totals, stages = [], []
    for _ in range(repeats):
        totals.append(measure_once(photos, rivals))
        stages.append(stage_ms(photos))
    density = sum(map(len, photos)) / len(photos) / (megapixels * 1e6)
    return Measured(density, median(totals), median(stages))


def measure_once(photos: Sequence[bytes], rivals: dict[str, Contestant]) -> Figures:
    """Every contestant at every photo."""
    spent_s = dict.fromkeys(rivals, 0.0)
    for photo in photos:
        for name, contestant in rivals.items():
            began = time.process_time()
            contestant(photo)
            spent_s[name] += time.process_time() - began
    return {name: 1000 * seconds / len(photos) for name, seconds in spent_s.items()}


def median(runs: Sequence[Figures]) -> Figures:
    """The medians, name by name."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = new_parser("ops/bench/vision_speed", __doc__)
    parser.add_argument("--photos", type=Path, metavar="DIR", help="real portraits as well")
    parser.add_argument("--variants", type=int, default=6, help="photos of each size [6]")
    parser.add_argument("--repeats", type=int, default=5, help="turns that count [5]")
    parser.add_argument("--quick", action="store_true", help="one photo of 1 MP, once")
    return parser.parse_args(arguments)


def command(options: argparse.Namespace) -> str:
    """What was run; the folder's name is nobody's business."""
    photos = " --photos DIR" if options.photos else ""
    extent = (
        "--quick" if options.quick else f"--variants {options.variants} --repeats {options.repeats}"
    )
    return f"./ops/bench/vision_speed{photos} {extent}"


def main() -> None:
    """Measure, print, save."""
    options = parse(sys.argv[1:])
    sizes_mp = SIZES_MP[:1] if options.quick else SIZES_MP
    variants, repeats = (1, 1) if options.quick else (options.variants, options.repeats)
    page = Page("Vision: speed", command(options))
    page.line(f"{variants} photos of each size, {repeats} repeats in turn, medians, one thread.")
    page.line("")
    groups = GROUPS | ({REAL: from_folder(options.photos, variants)} if options.photos else {})
    measured = {
        group: {
            megapixels: measure(
                [make(seed, megapixels) for seed in range(variants)], megapixels, repeats
            )
            for megapixels in sizes_mp
        }
        for group, make in groups.items()
    }
    portraits = next(iter(measured.values()))
    tell(page, targets(portraits))
    if REAL in measured:
        tell(page, targets(measured[REAL]), f"Targets: {REAL.lower()}")
    for group, sizes in measured.items():
        report(page, group, sizes)
    if options.page:
        plot = options.page.with_suffix(".svg")
        draw(
            plot,
            {mp: each.contestants for mp, each in portraits.items()},
            {mp: each.stages for mp, each in portraits.items()},
        )
        page.line(f"![CPU per photo, and by stage]({plot.name})")
        page.save(options.page)


if __name__ == "__main__":
    main()
