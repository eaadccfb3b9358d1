"""The plot of ``vision_scale``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ops.bench.drawing import drawing
from streamapp.vision.children import cores

if TYPE_CHECKING:
    from ops.bench.crew import Crew


def draw(path: Path, sizes: dict[int, dict[int, Crew]]) -> None:
    """Left the speed over that of one child, right the memory of one; by size and children."""
    with drawing(path, panels=2) as (left, right):
        for megapixels, crews in sizes.items():
            faster = [crew.photos_s / crews[1].photos_s for crew in crews.values()]
            peaks = [crew.peak_mib for crew in crews.values()]
            left.plot(list(crews), faster, marker="o", label=f"{megapixels} MP")
            right.plot(list(crews), peaks, marker="o", label=f"{megapixels} MP")
        left.plot([1, cores()], [1, cores()], color="gray", linestyle=":", label="ideal")
        left.set(xlabel="children", ylabel="photos a second, of one child", title="Speed")
        right.set(xlabel="children", ylabel="MiB", title="Peak memory of a child", ylim=(0, None))
        for axes in (left, right):
            axes.legend(fontsize=7, frameon=False)
            axes.set_xticks(list(crews))
