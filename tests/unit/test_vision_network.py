"""The network that is run finds what the network that was shipped finds."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import onnxruntime

from ops.sample.make import PORTRAIT
from streamapp.vision.detect import detector
from streamapp.vision.network import INPUT, OUTPUTS, network, read_model

LEVELS = (8, 16, 32)
SIDE = 640
"""Of the input of the network as it was shipped."""


def outputs_of(model: bytes, planes: Any, names: tuple[str, ...]) -> list[Any]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return list(session.run(names, {INPUT: planes}))


def shipped(planes: Any, head: str) -> Any:
    """A head of the network as it was shipped, its levels behind each other."""
    names = tuple(f"{head}_{stride}" for stride in LEVELS)
    return np.concatenate([each[0] for each in outputs_of(read_model(), planes, names)])


def test_joined_heads_say_what_the_shipped_ones_say() -> None:
    portrait: Any = cv2.imread(str(PORTRAIT))
    planes = cv2.resize(portrait, (SIDE, SIDE)).transpose(2, 0, 1)[None].astype(np.float32)
    scores, boxes, landmarks = outputs_of(network(), planes, OUTPUTS)
    assert scores.max() > 0.8
    for found, head in (
        (scores[:, :1], "cls"),
        (scores[:, 1:], "obj"),
        (boxes, "bbox"),
        (landmarks, "kps"),
    ):
        assert np.abs(found - shipped(planes, head)).max() < 1e-5


def test_a_picture_without_any_candidate_has_no_face() -> None:
    flat = np.full((320, 200, 3), 90, np.uint8)
    assert detector("yunet").find(flat, 320, 0.8) == []
