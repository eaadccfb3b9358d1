"""Photos for benchmarks, made from the sample's portrait: free, deterministic, of a given size."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

PORTRAIT = Path(__file__).parents[1] / "sample" / "astronaut.jpg"
VARIANTS = 24
GRAIN = 6.0
"""Standard deviation of the grain, of 255 levels: that of a camera at a middling sensitivity."""


def make_photos(folder: Path, *, photos: int, megapixels: float) -> list[Path]:
    """``photos`` JPEGs of a 4:3 scene with one face, in ``folder``; every 24th is the same."""
    folder.mkdir(parents=True, exist_ok=True)
    variants = [make_photo(number, megapixels) for number in range(min(photos, VARIANTS))]
    paths = [folder / f"{number:06d}.jpg" for number in range(photos)]
    for number, path in enumerate(paths):
        path.write_bytes(variants[number % len(variants)])
    return paths


class Prepared(NamedTuple):
    """Photos, the ZIP of them, and an empty folder for their crops."""

    photos: list[Path]
    archive: Path
    crops: Path


def prepare(data: Path, *, photos: int, megapixels: float) -> Prepared:
    """What the whole path and the bare loop work on, in ``data``."""
    made = make_photos(data / "photos", photos=photos, megapixels=megapixels)
    archive, crops = data / "photos.zip", data / "crops"
    zip_photos(archive, made)
    crops.mkdir()
    return Prepared(made, archive, crops)


def zip_photos(archive: Path, photos: list[Path]) -> None:
    """A ZIP of the photos, stored, as JPEGs do not shrink."""
    with zipfile.ZipFile(archive, "w") as opened:
        for path in photos:
            opened.write(path, path.name)


def make_photo(seed: int, megapixels: float) -> bytes:
    """A JPEG of a 4:3 scene with one face, of about an eighth of its height."""
    rng = np.random.default_rng(seed)
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = round(width * 3 / 4)
    # A photo costs what its detail costs: a smooth background alone would decode too fast.
    coarse = rng.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    scene = with_grain(smooth, rng)
    side = round(height * rng.uniform(0.6, 0.95))
    portrait = cv2.resize(read_portrait(), (side, side), interpolation=cv2.INTER_AREA)
    left = int(rng.integers(0, width - side + 1))
    scene[height - side :, left : left + side] = portrait
    return as_camera_file(scene)


def as_camera_file(scene: cv2.typing.MatLike) -> bytes:
    """The scene as a JPEG of the quality that cameras store."""
    return bytes(cv2.imencode(".jpg", scene, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])


def with_grain(
    scene: cv2.typing.MatLike, rng: np.random.Generator, levels: float = GRAIN
) -> cv2.typing.MatLike:
    """The scene with the grain of a sensor: as many pixels brighter as darker, in all colours."""
    grain = np.rint(rng.normal(0, levels, (*scene.shape[:2], 1))).astype(np.int16)
    return np.asarray(np.clip(scene + grain, 0, 255), np.uint8)


def read_portrait() -> cv2.typing.MatLike:
    """The sample's portrait, 512 by 512 pixels."""
    portrait = cv2.imread(str(PORTRAIT))
    if portrait is None:
        raise FileNotFoundError(PORTRAIT)
    return portrait
