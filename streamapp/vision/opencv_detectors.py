"""OpenCV's own detectors, to compare with: YuNet in its own runtime, and the Haar cascade."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from streamapp.vision.detect import Found
from streamapp.vision.geometry import Box
from streamapp.vision.network import read_model
from streamapp.vision.opencv import cv2
from streamapp.vision.yunet import CANDIDATES_MAX, LANDMARKS, OVERLAP_MAX

if TYPE_CHECKING:
    from streamapp.vision.decode import Pixels

CASCADE = "haarcascade_frontalface_default.xml"

HAAR_PX = 1024
HAAR_SCALE = 1.1
HAAR_NEIGHBOURS = 5
HAAR_FACE_MIN_PX = 30
"""The settings of the Redis queue that this product replaces."""


class OpencvYunet:
    """``cv2.FaceDetectorYN``: the same network and the same answers, in more time."""

    views = True

    def __init__(self) -> None:
        """Load the model.

        Raises:
            StreamappError: ``MODEL_MISMATCH``.
        """
        model = np.frombuffer(read_model(), np.uint8)
        self._detector = cv2.FaceDetectorYN.create(
            "onnx", model, np.empty(0, np.uint8), (0, 0), 0.6, OVERLAP_MAX, CANDIDATES_MAX
        )

    def find(self, pixels: Pixels, long_side: int, score_min: float) -> list[Found]:
        """The faces of a picture, best score first, looked for at ``long_side`` pixels."""
        height, width = pixels.shape[:2]
        factor = long_side / max(height, width)
        size = max(1, round(width * factor)), max(1, round(height * factor))
        self._detector.setInputSize(size)
        self._detector.setScoreThreshold(score_min)
        _, faces = self._detector.detect(cv2.resize(pixels, size))
        # Of a picture one pixel wide it tells faces without end or size.
        back = np.array([width / size[0], height / size[1]])
        return [
            _found(face, back)
            for face in ([] if faces is None else faces)
            if np.isfinite(face).all() and face[2:4].min() > 0
        ]


class Haar:
    """The Haar cascade as it was used before: at up to 1024 pixels, whatever is asked.

    Every score is 1, and there are no landmarks.
    """

    views = False

    def __init__(self) -> None:
        """Load the cascade."""
        folder: Any = cv2.data  # type: ignore[attr-defined] # OpenCV's stubs leave it out
        self._cascade = cv2.CascadeClassifier(str(Path(folder.haarcascades, CASCADE)))

    def find(self, pixels: Pixels, _long_side: int, _score_min: float) -> list[Found]:
        """The faces of a picture, in no order."""
        height, width = pixels.shape[:2]
        factor = min(1.0, HAAR_PX / max(height, width))
        size = max(1, round(width * factor)), max(1, round(height * factor))
        gray = cv2.cvtColor(cv2.resize(pixels, size), cv2.COLOR_BGR2GRAY)
        boxes = self._cascade.detectMultiScale(
            gray, HAAR_SCALE, HAAR_NEIGHBOURS, minSize=(HAAR_FACE_MIN_PX, HAAR_FACE_MIN_PX)
        )
        return [Found(Box(*map(float, box)).scaled(1 / factor), 1.0) for box in boxes]


def _found(face: Any, back: Any) -> Found:
    corners = (face[:4].reshape(2, 2) * back).ravel().tolist()
    marks = (face[4:-1].reshape(LANDMARKS, 2) * back).tolist()
    return Found(Box(*corners), float(face[-1]), tuple((x, y) for x, y in marks))
