"""The plot of ``vision_accuracy``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ops.bench.drawing import drawing

if TYPE_CHECKING:
    from ops.bench.accuracy_tables import Measured


def draw(path: Path, measured: Measured) -> None:
    """Left the share of photos with a face by folder, right that of the turned portraits."""
    with drawing(path, panels=2) as (left, right):
        for number, (name, counts) in enumerate(measured.folders.items()):
            shares = [each.share for each in counts.values()]
            left.bar(np.arange(len(shares)) + (number - 1) * 0.26, shares, 0.24, label=name)
            left.set_xticks(range(len(shares)), list(counts))
        for name, turns in measured.turns.items():
            shares = [each.share for each in turns.values()]
            right.plot(list(turns), shares, marker="o", label=name)
            right.set_xticks(list(turns))
        left.set(ylabel="photos with a face, %", title="By folder")
        right.set(xlabel="turned clockwise, degrees", title="Portraits that lie", ylim=(0, 103))
        for axes in (left, right):
            axes.legend(fontsize=7, frameon=False)
