"""Faces that were found against the labels of group photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ops.bench.matching import Matches, match
from streamapp import vision
from streamapp.vision import Options
from streamapp.vision.geometry import Box

if TYPE_CHECKING:
    from streamapp.vision.options import DetectorName

FACES_MAX = 100

Labels = Mapping[str, Sequence[Box]]
"""Boxes by the name of the photo."""


def read_labels(file: Path) -> Labels:
    """The boxes of a ``boxes.json``."""
    read = msgspec.json.decode(file.read_bytes(), type=dict[str, list[tuple[float, ...]]])
    return {name: [Box(*box) for box in boxes] for name, boxes in read.items()}


def match_groups(
    photos: Sequence[Path], labels: Labels, detector: DetectorName, overlap_min: float
) -> Matches:
    """The matches of all photos together."""
    options = Options(detector=detector, faces_max=FACES_MAX)
    each = [
        match(boxes_found(photo.read_bytes(), options), labels[photo.name], overlap_min)
        for photo in photos
    ]
    return Matches(*map(sum, zip(*each, strict=True)))


def boxes_found(photo: bytes, options: Options) -> list[Box]:
    """The boxes of a photo's faces, best first."""
    faces = (found.face for found in vision.process(photo, options).faces)
    return [Box(face.x, face.y, face.width, face.height) for face in faces]
