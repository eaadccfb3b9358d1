"""How good a crop is, and whether that is good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamapp.vision.opencv import cv2
from streamapp.vision.options import NO_TILT_LIMIT

if TYPE_CHECKING:
    from streamapp.events import Rejected
    from streamapp.vision.decode import Pixels
    from streamapp.vision.options import Options


class Quality(NamedTuple):
    """The figures of `events.Face`."""

    sharpness: float
    brightness: float
    tilt: float | None


def measure(crop: Pixels, tilt: float | None) -> Quality:
    """The figures of a crop."""
    luma = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S))
    return Quality(
        sharpness=float(deviation[0, 0] ** 2), brightness=float(cv2.mean(luma)[0]), tilt=tilt
    )


def judge(quality: Quality, options: Options) -> Rejected | None:
    """The first limit that the crop is beyond; None when it is within all of them.

    A face whose tilt cannot be told is beyond any limit of it.
    """
    if quality.brightness < options.brightness_min:
        return "dark"
    if quality.brightness > options.brightness_max:
        return "bright"
    if quality.sharpness < options.sharpness_min:
        return "blurred"  # after the others: what is dark has little contrast, too
    unlimited = options.tilt_max >= NO_TILT_LIMIT
    if not unlimited and (quality.tilt is None or abs(quality.tilt) > options.tilt_max):
        return "tilted"
    return None
