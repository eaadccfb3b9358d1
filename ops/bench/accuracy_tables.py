"""The tables and targets of ``vision_accuracy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops.bench.targets import Target

if TYPE_CHECKING:
    from ops.bench.everybody import Everybody
    from ops.bench.fidelity import Fidelity
    from ops.bench.finding import Again, Count
    from ops.bench.matching import Matches
    from ops.bench.page import Page
    from streamapp.vision.options import DetectorName

OURS: DetectorName = "yunet"
OVERLAP = 0.5
FIRES_MAX = 3.0
TURNED_MIN = 98.0
PSNR_MEAN_MIN = 40.0
PSNR_WORST_MIN = 30.0


class Measured(NamedTuple):
    """By detector: folders, group photos by overlap, turns by degrees. This pipeline: the rest."""

    folders: dict[DetectorName, dict[str, Count]]
    groups: dict[DetectorName, dict[float, Matches]]
    turns: dict[DetectorName, dict[int, Again]]
    formats: dict[str, Again]
    everybody: dict[str, Everybody]
    fidelity: dict[str, Fidelity]


def targets(measured: Measured) -> list[Target]:
    """Of the product's own detector."""
    folders = measured.folders[OURS]
    ours, haar = measured.groups[OURS][OVERLAP], measured.groups["haar"][OVERLAP]
    decibels = [each for part in measured.fidelity.values() for each in part.decibels]
    told = [
        Target(f"{name}: found", folders[name].share, 100.0, unit=" %")
        for name in ("portrait", "tight")
    ]
    told.append(Target("no-face: fires", folders["no-face"].share, at_most=FIRES_MAX, unit=" %"))
    told += [
        Target(f"turned by {degrees}°: found", each.share, TURNED_MIN, unit=" %")
        for degrees, each in measured.turns[OURS].items()
    ]
    told += [
        Target("groups: recall, Haar's at least", ours.recall, haar.recall),
        Target("groups: precision, Haar's at least", ours.precision, haar.precision),
    ]
    if decibels:
        mean = sum(decibels) / len(decibels)
        told += [
            Target("PSNR, mean", mean, PSNR_MEAN_MIN, unit=" dB"),
            Target("PSNR, worst", min(decibels), PSNR_WORST_MIN, unit=" dB"),
        ]
    return told


def report(page: Page, measured: Measured) -> None:
    """All tables."""
    folders_table(page, measured)
    groups_table(page, measured)
    everybody_table(page, measured)
    turns_table(page, measured)
    formats_table(page, measured)
    fidelity_table(page, measured)


def folders_table(page: Page, measured: Measured) -> None:
    """Photos with a face."""
    section(page, "Photos with a face, without one, and refused as broken")
    names = list(measured.folders[OURS])
    page.table(
        ["", *names],
        [
            [name, *(" / ".join(map(str, counts[folder])) for folder in names)]
            for name, counts in measured.folders.items()
        ],
    )


def groups_table(page: Page, measured: Measured) -> None:
    """Precision and recall."""
    section(page, "Groups: all faces against the labels")
    page.table(
        ["", "IoU at least", "right", "false", "missed", "precision", "recall"],
        [
            [name, f"{overlap:g}", *map(str, each), f"{each.precision:.3f}", f"{each.recall:.3f}"]
            for name, overlaps in measured.groups.items()
            for overlap, each in overlaps.items()
        ],
    )


def everybody_table(page: Page, measured: Measured) -> None:
    """`FACES=all` where there is one face or none."""
    section(page, "All faces of photos of one person, or of none")
    page.table(
        ["", "photos read", "with a face", "the first is another than alone", "further faces"],
        [[name, *map(str, each)] for name, each in measured.everybody.items()],
    )


def turns_table(page: Page, measured: Measured) -> None:
    """Portraits that lie."""
    section(page, "Portraits turned clockwise: a face found, and the same crop, upright again")
    degrees = list(measured.turns[OURS])
    page.table(
        ["", "photos", *(f"{each}°" for each in degrees)],
        [
            [
                name,
                str(turns[0].photos),
                *(f"{turns[each].found} / {turns[each].same}" for each in degrees),
            ]
            for name, turns in measured.turns.items()
        ],
    )


def formats_table(page: Page, measured: Measured) -> None:
    """Every format."""
    section(page, "Formats: some of the portraits, encoded again")
    page.table(
        ["", "photos", "found", "the same crop"],
        [[name, *map(str, each)] for name, each in measured.formats.items()],
    )


def fidelity_table(page: Page, measured: Measured) -> None:
    """PSNR."""
    section(page, "PSNR of the crops, before they are encoded, against those of a full decode")
    page.table(
        ["", "crops", "identical", "mean of the others", "worst"],
        [
            [
                name,
                str(len(each.decibels) + each.identical),
                str(each.identical),
                f"{each.mean:.1f} dB",
                f"{each.worst:.1f} dB",
            ]
            for name, each in measured.fidelity.items()
        ],
    )


def section(page: Page, title: str) -> None:
    """Its head."""
    page.line(f"## {title}")
    page.line("")
