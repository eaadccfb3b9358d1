"""Plots beside the results pages: small SVGs, the same again for the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE = {"svg.fonttype": "none", "svg.hashsalt": "streamapp", "font.size": 9}
"""Text stays text: a glyph as a path would cost more than the plot."""


@contextmanager
def drawing(path: Path, *, panels: int) -> Iterator[list[Axes]]:
    """Panels side by side to draw into; they are saved as an SVG in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):  # type: ignore[arg-type] # a plain dictionary will do
        figure = Figure(figsize=(4.8 * panels, 3.6), layout="constrained")
        axes = list(figure.subplots(1, panels, squeeze=False)[0])
        for each in axes:
            each.spines[["top", "right"]].set_visible(False)
        yield axes
        figure.savefig(path, format="svg", metadata={"Date": None})
