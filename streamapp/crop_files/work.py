"""What is done with one photo file, in a child process: read, process, write the crops.

Pixels never leave the child. A file appears under its name whole or not at all, and takes nothing
of the photo's metadata along. Doing it again writes the same files.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from streamapp import vision
from streamapp.crop_files.names import drawn, further
from streamapp.errors import Code, StreamappError
from streamapp.events import CroppedFace
from streamapp.vision.crop import SUFFIXES
from streamapp.vision.draw import draw

if TYPE_CHECKING:
    from pathlib import Path

    from streamapp.crop_files.photos import PhotoFile
    from streamapp.vision import FoundFace, Options


class Order(NamedTuple):
    """How photos are to be cropped; ``scratch`` is a folder on the disk of ``out``."""

    options: Options
    photo_bytes_max: int
    out: Path
    scratch: Path
    draw: bool


class Cropped(NamedTuple):
    """What was found in a photo of ``width`` × ``height``, and the paths of what was written."""

    width: int
    height: int
    faces: tuple[CroppedFace, ...]
    drawn: str | None


def crop_file(photo: PhotoFile, order: Order) -> Cropped:
    """Find the faces of a photo and write what was ordered.

    Raises:
        StreamappError: what `vision.process` raises, ``PHOTO_TOO_LARGE``, and
            ``FOLDER_UNUSABLE`` when a file cannot be read or written.
    """
    try:
        content = _read(photo.path, order.photo_bytes_max)
        found = vision.process(content, order.options)
        faces = tuple(
            _write_face(face, further(photo.name, number), order)
            for number, face in enumerate(found.faces, 1)
        )
        picture = (
            _write(draw(content, found, order.options), f"{drawn(photo.name)}.jpg", order)
            if order.draw
            else None
        )
    except OSError as error:
        raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error
    return Cropped(found.width, found.height, faces, picture)


def _read(path: Path, bytes_max: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise StreamappError(Code.PHOTO_TOO_LARGE, f"more than {bytes_max} bytes")
    return content


def _write_face(found: FoundFace, name: str, order: Order) -> CroppedFace:
    if found.crop is None:
        return CroppedFace(face=found.face, rejected=found.rejected)
    path = _write(found.crop, f"{name}.{SUFFIXES[order.options.crop_format]}", order)
    return CroppedFace(face=found.face, crop=path)


def _write(content: bytes, name: str, order: Order) -> str:
    path = order.out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = order.scratch / str(os.getpid())
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return str(path)
