"""What is told of each photo: a line to read, its columns separated by tabs, or one of JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from streamapp.errors import Code, StreamappError
from streamapp.listing import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamapp.crop_files.work import Cropped
    from streamapp.events import CroppedFace

    Line = Callable[[Path, "Cropped | StreamappError"], str]

_REMEDIES = {
    Code.PHOTO_NOT_AN_IMAGE: (
        "Give JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP, TIFF or JPEG 2000; a name does not count."
    ),
    Code.PHOTO_BROKEN: "Take another copy, or save it anew with a program that can open it.",
    Code.PHOTO_TOO_MANY_PIXELS: "Make it smaller, or raise PHOTO_PIXELS_MAX.",
    Code.PHOTO_TOO_LARGE: "Make it smaller, or raise PHOTO_BYTES_MAX.",
    Code.PHOTO_TIMED_OUT: "If you trust it, raise PHOTO_TIME_LIMIT_S.",
    Code.PHOTO_CRASHED: "If you trust it, raise PHOTO_MEMORY_MAX.",
    Code.FOLDER_UNUSABLE: "See to its permissions, its name and the space on the disk.",
}


def text(photo: Path, result: Cropped | StreamappError) -> str:
    """Photo, faces and then each face, or photo, code and what to do."""
    if isinstance(result, StreamappError):
        advice = f"{result} {_REMEDIES.get(result.code, '')}".strip()
        columns = [result.code.code, advice]
    else:
        count = len(result.faces)
        columns = ["1 face" if count == 1 else f"{count or 'no'} faces"]
        columns += map(_face, result.faces)
    return "\t".join(map(printable, [str(photo), *columns]))


def json_line(photo: Path, result: Cropped | StreamappError) -> str:
    """All figures of `events.Face`, or code and detail. ASCII, whatever a name is made of."""
    fields: dict[str, object]
    if isinstance(result, StreamappError):
        fields = {"code": result.code.code, "detail": str(result)}
    else:
        fields = {
            "width": result.width,
            "height": result.height,
            "faces": [_figures(each) for each in result.faces],
        }
        if result.drawn:
            fields["drawn"] = result.drawn
    return json.dumps({"photo": str(photo)} | fields)


def _figures(cropped: CroppedFace) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(cropped)
    return fields.pop("face") | fields  # type: ignore[operator,no-any-return] # a face is a dict


def _face(cropped: CroppedFace) -> str:
    face = cropped.face
    became = f"rejected: {cropped.rejected}" if cropped.rejected else cropped.crop
    return f"{face.width}×{face.height} at {face.x},{face.y}, score {face.score:.2f} → {became}"
