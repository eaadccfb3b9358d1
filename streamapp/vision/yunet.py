"""YuNet on onnxruntime, one thread.

The arithmetic behind the network is that of OpenCV's ``FaceDetectorYN``
(modules/objdetect/src/face_detect.cpp), vectorised; a test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from streamapp.vision.detect import Found
from streamapp.vision.geometry import Box
from streamapp.vision.network import INPUT, OUTPUTS, network
from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamapp.vision.decode import Pixels

    Floats = NDArray[np.float32]

STRIDES = np.array([8, 16, 32])
"""Pixels from cell to cell, level by level."""
LANDMARKS = 5
OVERLAP_MAX = 0.3
"""Of two boxes whose intersection over union is larger, the one with the lower score goes."""
CANDIDATES_MAX = 5000


class Yunet:
    """The network, loaded once a process."""

    views = True

    def __init__(self) -> None:
        """Load the model.

        Raises:
            StreamappError: ``MODEL_MISMATCH``.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        self._session = onnxruntime.InferenceSession(
            network(), options, providers=["CPUExecutionProvider"]
        )

    def find(self, pixels: Pixels, long_side: int, score_min: float) -> list[Found]:
        """The faces of a picture, best score first, looked for at ``long_side`` pixels."""
        height, width = pixels.shape[:2]
        factor = long_side / max(height, width)
        # LINEAR: AREA costs more than the network does, and finds no more.
        small: Any = cv2.resize(
            pixels, (max(1, round(width * factor)), max(1, round(height * factor)))
        )
        planes = _planes(small)
        outputs = self._session.run(OUTPUTS, {INPUT: planes})
        boxes, points, scores = _candidates(outputs, planes.shape[2:], score_min)
        if not len(boxes):
            return []
        kept = cv2.dnn.NMSBoxes(
            boxes.tolist(), scores.tolist(), score_min, OVERLAP_MAX, top_k=CANDIDATES_MAX
        )
        back = np.array([width / small.shape[1], height / small.shape[0]])
        return [
            Found(
                box=Box(*(boxes[i].reshape(2, 2) * back).ravel().tolist()),
                score=float(scores[i]),
                landmarks=tuple((x, y) for x, y in (points[i] * back).tolist()),
            )
            for i in np.asarray(kept, int)
        ]


def _padded(length: int) -> int:
    coarsest = int(STRIDES[-1])
    return -(-length // coarsest) * coarsest


def _planes(small: Pixels) -> Floats:
    """The network's input (1, 3, rows, columns): zeros to the right and below, no scaling."""
    height, width = small.shape[:2]
    planes = np.zeros((1, 3, _padded(height), _padded(width)), np.float32)
    # Twice as quick as to transpose.
    planes[0, :, :height, :width] = cv2.split(small)
    return planes


def _candidates(
    outputs: list[Floats], size: tuple[int, ...], score_min: float
) -> tuple[Floats, Floats, Floats]:
    """Boxes (n, 4), landmarks (n, 5, 2) and scores (n) of the cells above ``score_min``.

    ``size`` is rows and columns of the network's input.
    """
    certainties, places, points = outputs
    squares = certainties[:, 0] * certainties[:, 1]
    cells = np.flatnonzero(squares >= score_min**2)
    corners, strides = _grid(cells, size)
    sizes = np.exp(places[cells, 2:]) * strides
    middles = (corners + places[cells, :2]) * strides
    marks = (points[cells].reshape(-1, LANDMARKS, 2) + corners[:, None]) * strides[:, None]
    scores = np.minimum(np.sqrt(squares[cells]), 1)
    return np.concatenate([middles - sizes / 2, sizes], axis=1), marks, scores


def _grid(cells: NDArray[np.intp], size: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column and row (n, 2) of cells in their levels, and the strides of these (n, 1)."""
    rows, columns = (length // STRIDES for length in size)
    behind = np.cumsum(rows * columns)
    level = np.searchsorted(behind, cells, side="right")
    row, column = np.divmod(cells - (behind - rows * columns)[level], columns[level])
    corners = np.stack([column, row], axis=1).astype(np.float32)
    return corners, STRIDES[level].astype(np.float32)[:, None]
