"""What ``FACES=all`` tells of photos of one person, or of none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ops.bench.labelled import FACES_MAX
from ops.bench.matching import overlap
from streamapp import vision
from streamapp.errors import StreamappError
from streamapp.vision import Options
from streamapp.vision.geometry import Box

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from streamapp.events import Face

SAME = 0.5
"""Intersection over union of two boxes of the same face, at least."""


class Everybody(NamedTuple):
    """Photos that could be read, those with a face, with another first one, and further faces."""

    photos: int
    found: int
    other_first: int
    further: int


def everybody(photos: Iterable[Path]) -> Everybody:
    """All faces of each photo, against the one that is found alone."""
    read = found = other_first = further = 0
    for path in photos:
        photo = path.read_bytes()
        try:
            faces = vision.process(photo, Options(faces_max=FACES_MAX)).faces
            alone = vision.process(photo).faces
        except StreamappError:
            continue
        read += 1
        found += bool(faces)
        further += max(0, len(faces) - 1)
        other_first += bool(faces and alone) and not _same(faces[0].face, alone[0].face)
    return Everybody(read, found, other_first, further)


def _same(one: Face, other: Face) -> bool:
    boxes = (Box(face.x, face.y, face.width, face.height) for face in (one, other))
    return overlap(*boxes) >= SAME
