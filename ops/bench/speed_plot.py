"""The plot of ``vision_speed``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ops.bench.drawing import drawing

Figures = dict[str, float]


def draw(path: Path, contestants: dict[int, Figures], stages: dict[int, Figures]) -> None:
    """Left all contestants, right the stages of this pipeline; milliseconds by megapixels."""
    labels = [f"{megapixels} MP" for megapixels in contestants]
    places = np.arange(len(labels))
    with drawing(path, panels=2) as (left, right):
        names = list(next(iter(contestants.values())))
        for number, name in enumerate(names):
            heights = [figures[name] for figures in contestants.values()]
            left.bar(places + (number - (len(names) - 1) / 2) * 0.16, heights, 0.15, label=name)
        bottom = np.zeros(len(labels))
        for stage in next(iter(stages.values())):
            heights = [figures[stage] for figures in stages.values()]
            right.bar(places, heights, 0.6, bottom=bottom, label=stage)
            bottom += heights
        left.set(yscale="log", ylabel="CPU ms per photo, log", title="One portrait")
        right.set(ylabel="CPU ms per photo", title="Stages of this pipeline")
        for axes in (left, right):
            axes.set_xticks(places, labels)
            axes.legend(fontsize=7, frameon=False)
