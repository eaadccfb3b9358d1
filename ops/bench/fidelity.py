"""What a crop loses by the pipeline's savings: PSNR against the crop that a full decode gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from ops.bench.stages import watched
from streamapp import vision
from streamapp.errors import StreamappError
from streamapp.vision import Options, crop
from streamapp.vision.decode import decode, read_header


class Fidelity(NamedTuple):
    """Decibels of the crops that differ at all, and how many do not."""

    decibels: list[float]
    identical: int

    @property
    def mean(self) -> float:
        """Of those that differ."""
        return sum(self.decibels) / len(self.decibels) if self.decibels else math.inf

    @property
    def worst(self) -> float:
        """The lowest."""
        return min(self.decibels, default=math.inf)


def fidelity(photos: Iterable[Path], options: Options) -> Fidelity:
    """The pixels of every crop before they are encoded, against those of the same frame in full."""
    decibels = [figure for photo in photos for figure in psnr_of_crops(photo.read_bytes(), options)]
    finite = [figure for figure in decibels if math.isfinite(figure)]
    return Fidelity(finite, len(decibels) - len(finite))


def psnr_of_crops(photo: bytes, options: Options) -> list[float]:
    """Decibels of each crop of a photo; infinite when nothing was lost, none when unreadable."""
    cuts: list[tuple[Any, Any]] = []

    def kept(cut: Callable[..., Any], picture: Any, frame: Any, used: Options) -> Any:
        pixels = cut(picture, frame, used)
        if used is options:  # not a close-up of the search
            cuts.append((pixels, frame))
        return pixels

    try:
        with watched(crop, "cut", kept):
            vision.process(photo, options)
    except StreamappError:
        return []
    full = decode(photo, read_header(photo, options.pixels_max), 1)
    return [psnr(pixels, crop.cut(full, frame, options)) for pixels, frame in cuts]


def psnr(one: Any, other: Any) -> float:
    """Peak signal to noise of 8-bit pixels, in decibels; infinite when they are equal."""
    error = cv2.norm(one, other, cv2.NORM_L2SQR) / one.size
    return 10 * math.log10(255**2 / error) if error else math.inf
