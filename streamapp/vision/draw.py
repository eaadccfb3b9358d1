"""A copy of a photo that shows what was found in it, to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamapp.errors import Code, StreamappError
from streamapp.vision.decode import decode, read_header, reduction_for
from streamapp.vision.opencv import cv2, lack_of_memory_told

if TYPE_CHECKING:
    from streamapp.events import Face
    from streamapp.vision import Faces, FoundFace, Options
    from streamapp.vision.decode import Pixels

LONG_SIDE_MAX = 1600

_TAKEN = (80, 220, 60)
_REJECTED = (60, 60, 240)
_LANDMARKS = (0, 215, 255)
_DARK = (20, 20, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(photo: bytes, found: Faces, options: Options) -> bytes:
    """A JPEG of the upright photo with box, number, score and landmarks of every face.

    Its long side has at most `LONG_SIDE_MAX` pixels. A face that was rejected is red, and says why.

    Raises:
        StreamappError: as `vision.process` does.
    """
    with lack_of_memory_told():
        return _drawn(photo, found, options)


def _drawn(photo: bytes, found: Faces, options: Options) -> bytes:
    header = read_header(photo, options.pixels_max)
    pixels = decode(photo, header, reduction_for(header, LONG_SIDE_MAX)).pixels
    factor = min(1.0, LONG_SIDE_MAX / max(found.width, found.height))
    size = max(1, round(found.width * factor)), max(1, round(found.height * factor))
    canvas: Any = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    for number, face in enumerate(found.faces, 1):
        _draw_face(canvas, face, number, factor)
    done, encoded = cv2.imencode(".jpg", canvas)
    if not done:
        raise StreamappError(Code.INTERNAL, "the drawn copy cannot be encoded")
    return bytes(encoded)


def _draw_face(canvas: Pixels, found: FoundFace, number: int, factor: float) -> None:
    face = found.face
    line = max(1, round(max(canvas.shape) / 500))
    colour = _REJECTED if found.rejected else _TAKEN
    left, top = _at((face.x, face.y), factor)
    cv2.rectangle(
        canvas, (left, top), _at((face.x + face.width, face.y + face.height), factor), colour, line
    )
    for point in face.landmarks:
        cv2.circle(canvas, _at(point, factor), 2 * line, _DARK, cv2.FILLED, cv2.LINE_AA)
        cv2.circle(canvas, _at(point, factor), line + 1, _LANDMARKS, cv2.FILLED, cv2.LINE_AA)
    _write_label(canvas, _label(face, found, number), (left, top), colour, line)


def _label(face: Face, found: FoundFace, number: int) -> str:
    return " ".join(filter(None, [f"{number}:", f"{face.score:.2f}", found.rejected]))


def _write_label(
    canvas: Pixels, label: str, corner: tuple[int, int], colour: tuple[int, ...], line: int
) -> None:
    """A label on the box, or in it where there is no room above."""
    scale = 0.4 + line / 5
    (width, height), _ = cv2.getTextSize(label, _FONT, scale, line)
    margin = 2 * line
    left = max(0, min(corner[0], canvas.shape[1] - width - 2 * margin))
    bottom = max(corner[1], height + 2 * margin)
    cv2.rectangle(
        canvas,
        (left, bottom - height - 2 * margin),
        (left + width + 2 * margin, bottom),
        colour,
        cv2.FILLED,
    )
    cv2.putText(
        canvas, label, (left + margin, bottom - margin), _FONT, scale, _DARK, line, cv2.LINE_AA
    )


def _at(point: tuple[int, int], factor: float) -> tuple[int, int]:
    return round(point[0] * factor), round(point[1] * factor)
