"""The search for the faces of a picture: small first, then finer, then lying and upside down.

Most photos end at the first step, which costs about 2 ms; only what seems to hold no face pays
for the others. What is not sure to be a face is looked at again, closely: a small or dim face is
sure then, and most of what is none is nothing any more. A face that is found in a turned picture
stays in its coordinates there, with the turns that led to it, so that its crop can be upright.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamapp.vision.closeup import closeup
from streamapp.vision.crowd import find_all
from streamapp.vision.decode import Picture
from streamapp.vision.orientation import turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamapp.vision.detect import Detector, Found
    from streamapp.vision.options import Options

QUICK_PX = 320
FINE_PX = 640

SURE = 0.915
"""The network sees faces that lie or stand on their heads, too, but at first sight with less than
this (of 92 portraits turned, none had more; 5 of them upright had less); then the other turns
compete."""

MAYBE = 0.35
"""From this score on something is worth a second look."""

PADDING = 0.3
"""Of the second look, which may take in what makes a face of it."""

LOOKS_MAX = 2
"""Second looks of a step when one face is wanted: at what scored best."""

ONE_FACE = ((0, QUICK_PX), (0, FINE_PX), (1, QUICK_PX), (3, QUICK_PX), (2, QUICK_PX))
"""Quarter turns counter-clockwise, and the long side that is searched, in pixels."""

ALL_FACES = (0, 1, 3, 2)
"""Quarter turns counter-clockwise; all sizes at each, see `crowd`."""


class Sighting(NamedTuple):
    """A face in pixels of the picture turned ``turns`` quarters counter-clockwise."""

    face: Found
    turns: int


class _Step(NamedTuple):
    """What was found at first sight in the picture turned ``turns`` quarters."""

    turns: int
    turned: Picture
    found: list[Found]


def search(detector: Detector, picture: Picture, options: Options) -> list[Sighting]:
    """The faces of the first step that is sure of one, else of the step surest of its best.

    The best (area × score²) comes first.
    """
    steps = []
    for step in _steps(detector, picture, options):
        if any(face.score >= _sure(options) for face in step.found):
            return _sightings(detector, step, picture, options)
        steps.append(step)
    weak = [_sightings(detector, step, picture, options) for step in steps]
    return max(weak, key=lambda seen: seen[0].face.score if seen else 0.0)


def _sure(options: Options) -> float:
    return max(SURE, options.score_min)


def _steps(detector: Detector, picture: Picture, options: Options) -> Iterator[_Step]:
    score_min = min(MAYBE, options.score_min)
    one = options.faces_max == 1
    for turns, long_side in ONE_FACE if one else ((turns, 0) for turns in ALL_FACES):
        pixels = turn(picture.pixels, turns)
        turned = Picture(pixels, pixels.shape[1], pixels.shape[0], 1)
        found = (
            detector.find(pixels, long_side, score_min)
            if one
            else find_all(detector, pixels, score_min, SURE)
        )
        yield _Step(turns, turned, found)
        if not detector.views:
            return


def _sightings(
    detector: Detector, step: _Step, picture: Picture, options: Options
) -> list[Sighting]:
    """The faces of a step that count, after a second look at those that need one."""
    one = options.faces_max == 1
    sure = [face for face in step.found if face.score >= _sure(options)]
    to_beat = max((face.rank for face in sure), default=0.0) if one else 0.0
    unsure = sorted(
        (face for face in step.found if face.score < _sure(options) and face.area > to_beat),
        key=lambda face: face.score,
        reverse=True,
    )
    looks_max = LOOKS_MAX if one else options.faces_max
    looked_at = [_looked_at(detector, step.turned, face) for face in unsure[:looks_max]]
    large = options.size_min / picture.reduction
    kept = [
        face
        for face in sure + looked_at + unsure[looks_max:]
        if face.score >= options.score_min and face.box.side >= large
    ]
    ranked = sorted(kept, key=lambda face: face.rank, reverse=True)
    return [Sighting(face, step.turns) for face in ranked]


def _looked_at(detector: Detector, picture: Picture, face: Found) -> Found:
    """The face with the score of a second look, if that is better."""
    size = picture.width, picture.height
    again = closeup(detector, picture, face.box, padding=PADDING, size=size)
    return face._replace(score=max(face.score, again.score if again else 0.0))
