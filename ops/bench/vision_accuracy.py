"""What each detector finds, misses and makes up, and what a crop loses by the quick decode.

    ./ops/bench/vision_accuracy --photos DIR [--quick] [--page PAGE.md]

DIR has the folders ``portrait`` (one person), ``tight`` (the face fills the photo), ``no-face``
and ``groups``. The last has a ``boxes.json`` of its photos: name → list of [left, top, width,
height], in pixels of the upright photo. The names of photos that fail are printed, but not saved.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ops.bench.accuracy_plot import draw
from ops.bench.accuracy_tables import Measured, report, targets
from ops.bench.everybody import everybody
from ops.bench.fidelity import fidelity
from ops.bench.finding import count, count_changed
from ops.bench.labelled import FACES_MAX, match_groups, read_labels
from ops.bench.options import new_parser
from ops.bench.page import Page
from ops.bench.targets import tell
from ops.bench.variants import FORMATS, TURNS, turned
from streamapp.vision import Options

if TYPE_CHECKING:
    from streamapp.vision.options import DetectorName

DETECTORS: tuple[DetectorName, ...] = ("yunet", "opencv", "haar")
FOLDERS = {"portrait": "without", "tight": "without", "no-face": "found"}
"""Each with what is a failure there."""
GROUPS = "groups"
OVERLAPS = (0.5, 0.3)
EVERY = 8
"""Of the portraits, every eighth is tried in every format."""
FEW = 2
"""Photos of a folder in a quick run."""


def measure(folder: Path, most: int | None) -> Measured:
    """Everything, with at most so many photos of a folder."""
    photos = {name: photos_of(folder / name)[:most] for name in (*FOLDERS, GROUPS)}
    labels = read_labels(folder / GROUPS / "boxes.json")
    portraits, sample = photos["portrait"], photos["portrait"][::EVERY]
    turns = {degrees: partial(turned, degrees=degrees) for degrees in TURNS}
    by_detector = {detector: Options(detector=detector) for detector in DETECTORS}
    return Measured(
        folders={
            detector: {
                name: count(photos[name], options, failure=failure)
                for name, failure in FOLDERS.items()
            }
            for detector, options in by_detector.items()
        },
        groups={
            detector: {
                overlap: match_groups(photos[GROUPS], labels, detector, overlap)
                for overlap in OVERLAPS
            }
            for detector in DETECTORS
        },
        turns={
            detector: count_changed(portraits, options, turns)
            for detector, options in by_detector.items()
        },
        formats=count_changed(sample, Options(), FORMATS),
        everybody={name: everybody(photos[name]) for name in FOLDERS},
        fidelity={
            name: fidelity(photos[name], Options(faces_max=FACES_MAX if name == GROUPS else 1))
            for name in ("portrait", "tight", GROUPS)
        },
    )


def photos_of(folder: Path) -> list[Path]:
    """The photos of a folder, in the order of their names."""
    photos = sorted(path for path in folder.iterdir() if path.suffix != ".json")
    if not photos:
        raise FileNotFoundError(f"no photos in {folder}")
    return photos


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = new_parser("ops/bench/vision_accuracy", __doc__)
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="the folders")
    parser.add_argument("--quick", action="store_true", help=f"{FEW} photos of each folder")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, print, save."""
    options = parse(sys.argv[1:])
    quick = " --quick" if options.quick else ""
    page = Page("Vision: accuracy", f"./ops/bench/vision_accuracy --photos DIR{quick}")
    measured = measure(options.photos, FEW if options.quick else None)
    tell(page, targets(measured))
    report(page, measured)
    if options.page:
        plot = options.page.with_suffix(".svg")
        draw(plot, measured)
        page.line(f"![Found, by folder and by turn]({plot.name})")
        page.save(options.page)


if __name__ == "__main__":
    main()
