"""An archive of the corpus and what exactly must become of it; the pictures within."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from ops.sample.make import PORTRAIT
from streamapp.errors import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

FACE = "a face"
NO_FACE = "no face"
TEXT = b"This is no photo.\n" * 8
NOT_AN_IMAGE = Code.PHOTO_NOT_AN_IMAGE

_PORTRAIT_PIXELS = 224


class Photo(NamedTuple):
    """A photo's name and its end: completed with or without a face, or the code it failed with."""

    name: str
    end: str | Code


class Case(NamedTuple):
    """An archive; ``refused`` as a whole, or its ``photos`` in the order of their indexes.

    ``skipped`` counts by reason the entries that are no photos. With ``nested`` the expectation
    is for an installation that looks into archives within archives, else for one that does not.
    """

    data: bytes
    photos: tuple[Photo, ...] = ()
    skipped: Mapping[str, int] = {}
    refused: Code | None = None
    nested: bool = False


Corpus = dict[str, Case]
"""The cases by what is odd about them."""


def refused(code: Code, data: bytes) -> Case:
    """A case that is refused as a whole."""
    return Case(data, refused=code)


def taken(
    data: bytes, *photos: tuple[str, str | Code], nested: bool = False, **skipped: int
) -> Case:
    """A case whose photos end as it is told, with the numbers of what is skipped."""
    return Case(data, tuple(Photo(*photo) for photo in photos), skipped, nested=nested)


@cache
def portrait() -> bytes:
    """A small JPEG with one face."""
    size = (_PORTRAIT_PIXELS, _PORTRAIT_PIXELS)
    pixels: Any = cv2.imread(str(PORTRAIT))
    return _encoded(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


@cache
def sky() -> bytes:
    """A PNG without a face, which deflates to about half."""
    rows = np.linspace(90, 230, 96, dtype=np.uint8)
    return _encoded(".png", np.repeat(np.repeat(rows[:, None, None], 96, 1), 3, 2))


def _encoded(suffix: str, pixels: Any) -> bytes:
    done, encoded = cv2.imencode(suffix, pixels)
    if not done:
        raise ValueError(suffix)
    return bytes(encoded)
