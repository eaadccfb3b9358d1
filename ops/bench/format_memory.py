"""Memory of a child by the format of its photos: each is given to a child of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ops.bench.crew import RUN, Crew, measure_crew
from ops.bench.portraits import make_portrait
from ops.bench.targets import Target
from ops.bench.variants import FORMATS, pixels_of

if TYPE_CHECKING:
    from ops.bench.page import Page

PEAK_MIB_MAX = 200.0

Formats = dict[str, Crew]
"""A child by the format of its photos."""


def measure_formats(folder: Path, megapixels: float) -> Formats:
    """The same portrait a few times over in each format."""
    crops = folder / "crops"
    crops.mkdir()
    pixels = pixels_of(make_portrait(0, megapixels))
    measured = {}
    for number, (name, encoded) in enumerate(FORMATS.items()):
        photo = folder / f"{number:02d}"
        photo.write_bytes(encoded(pixels))
        measured[name] = asyncio.run(measure_crew(1, [photo] * RUN, crops))
    return measured


def format_targets(formats: Formats, megapixels: int) -> list[Target]:
    """Of the memory."""
    return [
        Target(
            f"a child, {megapixels} MP, {name}",
            child.peak_mib,
            at_most=PEAK_MIB_MAX,
            unit=" MiB",
        )
        for name, child in formats.items()
    ]


def report_formats(page: Page, formats: Formats, megapixels: int) -> None:
    """Their table."""
    page.line(f"## Formats, {megapixels} MP")
    page.line("")
    page.table(
        ["one child", "CPU ms per photo", "peak RSS, MiB"],
        [[name, f"{child.cpu_ms:.1f}", f"{child.peak_mib:.0f}"] for name, child in formats.items()],
    )
