"""Make a ZIP of photos to try the pipeline on: variations of one portrait, some without a face.

    python ops/sample/make.py photos.zip [--photos 60] [--seed 1]

The same seed gives the same pictures, and the manifest says which of them show a face.
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

PORTRAIT = Path(__file__).with_name("astronaut.jpg")
NO_FACE_EVERY = 6
SUFFIXES = (".jpg", ".jpg", ".jpg", ".png", ".jpg", ".webp")
SIZES = (320, 512, 768, 1024)
ORIENTED_EVERY = 5
TURNS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_CLOCKWISE}
"""How the camera's picture lies for each EXIF orientation: what the tag then undoes."""


def make_sample(path: Path, photos: int = 60, seed: int = 1) -> dict[str, bool]:
    """Write ``photos`` pictures into a ZIP at ``path``; every sixth shows no face.

    Returns:
        For the name of each entry, in the order of the archive, whether it shows a face.
    """
    random = np.random.default_rng(seed)
    portrait: Any = cv2.imread(str(PORTRAIT))
    manifest = {}
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1, photos + 1):
            has_face = number % NO_FACE_EVERY != 0
            pixels = _portrait(portrait, random) if has_face else _no_face(number, random)
            suffix = SUFFIXES[number % len(SUFFIXES)]
            name = f"{'people' if has_face else 'no-face'}/{number:04d}{suffix}"
            oriented = suffix == ".jpg" and number % ORIENTED_EVERY == 0
            archive.writestr(
                name, _oriented(pixels, random) if oriented else _encoded(suffix, pixels)
            )
            manifest[name] = has_face
    return manifest


def _portrait(portrait: Pixels, random: np.random.Generator) -> Pixels:
    """The portrait on a coloured ground, of another size, brightness, tilt and side."""
    size = int(random.choice(SIZES))
    tilt = cv2.getRotationMatrix2D((256, 256), random.uniform(-12, 12), random.uniform(0.6, 1))
    tilt = np.multiply(tilt, size / 512)
    ground = random.integers(40, 216, 3).tolist()
    turned = cv2.warpAffine(portrait, tilt, (size, size), borderValue=ground)
    lit = cv2.convertScaleAbs(
        turned, alpha=random.uniform(0.75, 1.25), beta=random.uniform(-15, 15)
    )
    return np.asarray(cv2.flip(lit, 1) if random.random() < 0.5 else lit, np.uint8)


def _no_face(number: int, random: np.random.Generator) -> Pixels:
    """A gradient, noise or shapes, in turn."""
    size = int(random.choice(SIZES))
    match number // NO_FACE_EVERY % 3:
        case 0:
            small = random.integers(0, 256, (2, 2, 3), np.uint8)
            return np.asarray(cv2.resize(small, (size, size)), np.uint8)
        case 1:
            return random.integers(0, 256, (size // 2, size, 3), np.uint8)
        case _:
            return _shapes(size, random)


def _shapes(size: int, random: np.random.Generator) -> Pixels:
    pixels = np.full((size, size, 3), random.integers(128, 256, 3), np.uint8)
    for _ in range(8):
        start, end = random.integers(0, size, (2, 2)).tolist()
        cv2.rectangle(pixels, start, end, random.integers(0, 256, 3).tolist(), thickness=-1)
    return pixels


def _encoded(suffix: str, pixels: Pixels) -> bytes:
    done, encoded = cv2.imencode(suffix, pixels)
    if not done:
        raise ValueError(suffix)
    return bytes(encoded)


def _oriented(pixels: Pixels, random: np.random.Generator) -> bytes:
    """A JPEG that lies on its side or head, with the EXIF orientation that makes it upright."""
    orientation = int(random.choice(list(TURNS)))
    lying = np.asarray(cv2.rotate(pixels, TURNS[orientation]), np.uint8)
    return with_orientation(_encoded(".jpg", lying), orientation)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF segment in front that holds nothing but the orientation (1 to 8)."""
    entry = b"\x01\x12\0\x03\0\0\0\x01" + bytes([0, orientation, 0, 0])
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + jpeg[2:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    made = make_sample(arguments.path, arguments.photos, arguments.seed)
    print(f"{arguments.path}: {len(made)} photos, {sum(made.values())} of them with a face")
