"""How many photos a detector finds a face in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import cv2
import numpy as np

from ops.bench.variants import pixels_of
from streamapp import vision
from streamapp.errors import StreamappError

if TYPE_CHECKING:
    from streamapp.vision import FoundFace, Options

T = TypeVar("T")

SAME_FACE = 0.3
"""Least correlation of two crops of a face: their boxes differ, but other faces are at 0.1."""


class Count(NamedTuple):
    """Photos with a face, without one, and those that could not be read."""

    found: int
    without: int
    refused: int

    @property
    def share(self) -> float:
        """Those with a face, in percent."""
        return 100 * self.found / sum(self)


class Again(NamedTuple):
    """Photos that were changed: with a face still, and with the same face, upright in its crop."""

    photos: int
    found: int
    same: int

    @property
    def share(self) -> float:
        """Those with a face, in percent."""
        return 100 * self.found / self.photos


def count(photos: Sequence[Path], options: Options, *, failure: str) -> Count:
    """The count; the photos of the ``failure`` ("found", "without") are named on the terminal."""
    names: dict[str, list[str]] = {"found": [], "without": [], "refused": []}
    for photo in photos:
        try:
            face = best(photo.read_bytes(), options)
        except StreamappError:
            names["refused"].append(photo.name)
        else:
            names["found" if face else "without"].append(photo.name)
    for outcome in (failure, "refused"):
        if names[outcome]:
            print(f"({options.detector}, {outcome}: {', '.join(names[outcome])})", flush=True)
    return Count(*map(len, names.values()))


def count_changed(
    photos: Sequence[Path], options: Options, changes: Mapping[T, Callable[[Any], bytes]]
) -> dict[T, Again]:
    """The photos, changed in their pixels and encoded again, against what they gave before.

    One that cannot be read counts as one without a face.
    """
    found, same = dict.fromkeys(changes, 0), dict.fromkeys(changes, 0)
    for photo in photos:
        content = photo.read_bytes()
        try:
            before, pixels = best(content, options), pixels_of(content)
        except StreamappError:
            continue
        for name, change in changes.items():
            after = best(change(pixels), options)
            found[name] += after is not None
            same[name] += shows_the_same(before, after)
    return {name: Again(len(photos), found[name], same[name]) for name in changes}


def best(photo: bytes, options: Options) -> FoundFace | None:
    """The best face of a photo."""
    return next(iter(vision.process(photo, options).faces), None)


def shows_the_same(one: FoundFace | None, other: FoundFace | None) -> bool:
    """Whether two crops show the same face, and the one is as upright as the other."""
    if one is None or other is None or one.crop is None or other.crop is None:
        return False
    first, second = (
        cv2.cvtColor(pixels_of(crop), cv2.COLOR_BGR2GRAY) for crop in (one.crop, other.crop)
    )
    alike = [likeness(first, np.rot90(second, quarters)) for quarters in range(4)]
    return max(alike) == alike[0] >= SAME_FACE


def likeness(one: Any, other: Any) -> float:
    """The correlation of two gray pictures of the same size, -1 to 1."""
    return float(cv2.matchTemplate(one, other, cv2.TM_CCOEFF_NORMED)[0, 0])
