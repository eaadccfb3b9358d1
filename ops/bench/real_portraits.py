"""Photos of a folder, scaled to the sizes that are measured: what customers send, in our sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2

from ops.bench.photos import as_camera_file


def from_folder(folder: Path, count: int) -> Callable[[int, float], bytes]:
    """What makes the first, second, … of ``count`` photos of the folder, at so many megapixels.

    Which they are depends on nothing but the names there. A folder of fewer has some twice.

    Raises:
        FileNotFoundError: there is no picture in it.
    """
    paths = sorted(path for path in folder.iterdir() if cv2.haveImageReader(str(path)))
    if not paths:
        raise FileNotFoundError(f"no photos in {folder}")
    chosen = [paths[number * len(paths) // count] for number in range(count)]
    return lambda number, megapixels: at_size(chosen[number], megapixels)


def at_size(photo: Path, megapixels: float) -> bytes:
    """A JPEG of the photo, upright, in its shape and of so many megapixels."""
    pixels = cv2.imread(str(photo))
    if pixels is None:
        raise ValueError(f"{photo} cannot be decoded")
    rows, columns = pixels.shape[:2]
    factor = (megapixels * 1e6 / (rows * columns)) ** 0.5
    size = round(columns * factor), round(rows * factor)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return as_camera_file(cv2.resize(pixels, size, interpolation=how))
