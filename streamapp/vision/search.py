"""The search for the faces of a picture: small first, then finer, then lying and upside down.

Most photos end at the first step, which costs about 2 ms; only what seems to hold no face pays
for the others. What is not sure to be a face is looked at again, closely: a small or dim face is
sure then, and most of what is none is nothing any more. A face that is found in a turned picture
stays in its coordinates there, with the turns that led to it, so that its crop can be upright.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamapp.vision.closeup import closeup
from streamapp.vision.decode import Picture
from streamapp.vision.orientation import turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamapp.vision.detect import Detector, Found
    from streamapp.vision.options import Options

QUICK_PX = 320
FINE_PX = 640
CROWD_PX = 1280
"""For all faces of a picture: those of a group are small."""

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
ALL_FACES = ((0, CROWD_PX), (1, FINE_PX), (3, FINE_PX), (2, FINE_PX))
"""Quarter turns counter-clockwise, and the long side that is searched, in pixels."""


class Sighting(NamedTuple):
    """A face in pixels of the picture turned ``turns`` quarters counter-clockwise."""

    face: Found
    turns: int


def search(detector: Detector, picture: Picture, options: Options) -> list[Sighting]:
    """The faces of the first step that is sure of its best, else of the step surest of it.

    The best (area × score²) comes first.
    """
    one = options.faces_max == 1
    weak: list[list[Sighting]] = [[]]
    for turns, long_side in ONE_FACE if one else ALL_FACES:
        if turns and not detector.turns:
            continue
        turned = _turned(picture, turns)
        maybe = detector.find(turned.pixels, long_side, min(MAYBE, options.score_min))
        looked_at = _looked_at(detector, turned, maybe, LOOKS_MAX if one else options.faces_max)
        sightings = [Sighting(face, turns) for face in _ranked(looked_at, picture, options)]
        if sightings and max(face.score for face in maybe) >= SURE:
            return sightings
        weak.append(sightings)
    return max(weak, key=lambda step: step[0].face.score if step else 0.0)


def _turned(picture: Picture, turns: int) -> Picture:
    pixels = turn(picture.pixels, turns)
    height, width = pixels.shape[:2]
    return Picture(pixels, width, height, 1)


def _looked_at(
    detector: Detector, picture: Picture, maybe: list[Found], looks_max: int
) -> Iterator[Found]:
    """The same faces, the best of them with the scores of a second look where that is needed."""
    for place, face in enumerate(sorted(maybe, key=lambda face: face.score, reverse=True)):
        if face.score >= SURE or place >= looks_max:
            yield face
            continue
        size = picture.width, picture.height
        again = closeup(detector, picture, face.box, padding=PADDING, size=size)
        yield face._replace(score=max(face.score, again.score if again else 0.0))


def _ranked(faces: Iterable[Found], picture: Picture, options: Options) -> list[Found]:
    kept = [
        face
        for face in faces
        if face.score >= options.score_min and face.box.side * picture.reduction >= options.size_min
    ]
    return sorted(kept, key=lambda face: face.rank, reverse=True)
