"""The detectors behind one small interface, each loaded when it is first asked for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from streamapp.vision.geometry import point_turned_back, turned_back

if TYPE_CHECKING:
    from streamapp.vision.decode import Pixels
    from streamapp.vision.geometry import Box, Point
    from streamapp.vision.options import DetectorName


class Found(NamedTuple):
    """A face in pixels of the picture: its box, its score (0 to 1), its landmarks if they are seen.

    The landmarks are those of `events.Face`.
    """

    box: Box
    score: float
    landmarks: tuple[Point, ...] = ()

    @property
    def area(self) -> float:
        """Of the box, in pixels."""
        return self.box.width * self.box.height

    @property
    def rank(self) -> float:
        """By which the best face of a picture is chosen: area × score²."""
        return self.area * self.score**2

    def scaled(self, factor: float) -> Found:
        """The same face in a picture that is ``factor`` times as large."""
        marks = tuple((x * factor, y * factor) for x, y in self.landmarks)
        return self._replace(box=self.box.scaled(factor), landmarks=marks)

    def turned_back(self, turns: int, width: float, height: float) -> Found:
        """The face before its picture of ``width`` × ``height`` was turned counter-clockwise."""
        box = turned_back(self.box, turns, width, height)
        marks = tuple(point_turned_back(mark, turns, width, height) for mark in self.landmarks)
        return self._replace(box=box, landmarks=marks)


class Detector(Protocol):
    """Finds faces; ``views`` says whether it is worth showing it other sizes and turns."""

    views: bool

    def find(self, pixels: Pixels, long_side: int, score_min: float) -> list[Found]:
        """The faces of a picture, looked for at ``long_side`` pixels."""


@cache
def detector(name: DetectorName) -> Detector:
    """The detector of that name.

    Raises:
        StreamappError: ``MODEL_MISMATCH``.
    """
    # Each brings libraries of its own that the others do without.
    if name == "yunet":
        from streamapp.vision.yunet import Yunet  # noqa: PLC0415

        return Yunet()
    from streamapp.vision.opencv_detectors import Haar, OpencvYunet  # noqa: PLC0415

    return Haar() if name == "haar" else OpencvYunet()
