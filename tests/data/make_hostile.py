"""Make the corpus of hostile photos: small files that ask for much, lie, or stop in the middle.

    python -m tests.data.make_hostile FOLDER

The same on every machine but for the encoders' versions. Nothing binary is kept in the repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np

from ops.fuzz.pictures import pictures
from ops.sample.make import PORTRAIT, with_orientation
from tests.data import hostile_files as files
from tests.data import hostile_jpeg as jpegs
from tests.data.hostile_ends import (
    BROKEN,
    FACE,
    NONE,
    NOT_AN_IMAGE,
    TIMED_OUT,
    TOO_MANY,
    Corpus,
    ending,
)
from tests.data.hostile_lies import lying_jpegs, lying_others

SLOW = "progressive-2000-scans.jpg"
"""More than a minute of decoding."""

LONGEST = 65_500
"""Pixels of a side that JPEG's library goes up to."""


def make_hostile(folder: Path) -> dict[str, frozenset[str]]:
    """Write the corpus into a folder and say how each file may end: one of the words above."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = hostile()
    for name, (content, _) in corpus.items():
        (folder / name).write_bytes(content)
    return {name: ends for name, (_, ends) in corpus.items()}


def hostile() -> Corpus:
    """The corpus in memory."""
    pixels = cv2.imread(str(PORTRAIT))
    portrait = PORTRAIT.read_bytes()
    return (
        _cut_off()
        | _flipped(portrait)
        | _no_images(portrait)
        | _giants()
        | _metadata(pixels, portrait)
        | lying_jpegs(pixels, portrait)
        | lying_others(pixels)
    )


def _cut_off() -> Corpus:
    """Every tenth of a file of each of the formats; what its decoder makes of the rest differs."""
    return ending(
        (FACE, NONE, BROKEN, NOT_AN_IMAGE),
        {
            f"cut-{tenth}0-percent.{name.replace(' ', '-')}": photo[: len(photo) * tenth // 10]
            for name, photo in pictures().items()
            for tenth in range(1, 10)
        },
    ) | ending((NOT_AN_IMAGE,), {"cut-at-3-bytes.jpg": b"\xff\xd8\n"})


def _flipped(portrait: bytes) -> Corpus:
    flipped = {}
    for seed in range(10):
        random = Random(seed)  # noqa: S311 - no secret
        content = bytearray(portrait)
        for _ in range(1 << seed):
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        flipped[f"bits-flipped-{1 << seed}.jpg"] = bytes(content)
    return ending((FACE, NONE, BROKEN, NOT_AN_IMAGE, TOO_MANY), flipped)


def _no_images(portrait: bytes) -> Corpus:
    return ending(
        (NOT_AN_IMAGE,),
        {
            "empty.jpg": b"",
            "zeros.jpg": bytes(4096),
            "text.jpg": b"This is no photo.\n" * 100,
            "page.png": b"<!doctype html><title>Not found</title>",
        },
    ) | ending((FACE,), {"jpeg.png": portrait, "jpeg.heic": portrait})


def _giants() -> Corpus:
    flat = {
        f"{width}x{height}{suffix}": files.encoded(suffix, np.zeros((height, width, 3), np.uint8))
        for width, height in ((1, 1), (LONGEST, 1), (1, LONGEST))
        for suffix in (".jpg", ".png")
    }
    return (
        ending((NONE,), flat)
        | ending((TOO_MANY,), {"30000x30000.png": files.empty_png(30_000, 30_000)})
        | ending((TIMED_OUT,), {SLOW: jpegs.of_many_scans(9_600, 2000)})
    )


def _metadata(pixels: Any, portrait: bytes) -> Corpus:
    filler = jpegs.exif(bytes(65_527))
    profile = b"ICC_PROFILE\0\1\1" + b"\xff" * 5000
    thumbnail = b"II*\0\x08\0\0\0" + jpegs.with_frame(portrait, height=60_000)[:20_000]
    png = files.encoded(".png", pixels)
    return ending(
        (FACE,),
        {
            "exif-1-mb.jpg": jpegs.with_segments(portrait, *[filler] * 16, jpegs.exif_directory(1)),
            "exif-entries-65535.jpg": jpegs.with_segments(
                portrait, jpegs.exif_directory(1, entries=65_535)
            ),
            "exif-far-away.jpg": jpegs.with_segments(
                portrait, jpegs.exif_directory(1, at=0xFFFF_FFFF)
            ),
            "exif-orientation-9.jpg": with_orientation(portrait, 9),
            "exif-orientation-0.jpg": with_orientation(portrait, 0),
            "exif-of-2-bytes.jpg": jpegs.with_segments(portrait, jpegs.exif(b"MM")),
            "exif-thumbnail-with-a-frame.jpg": jpegs.with_segments(portrait, jpegs.exif(thumbnail)),
            "icc-corrupt.jpg": jpegs.with_segments(portrait, jpegs.segment(0xE2, profile)),
            "icc-corrupt.png": files.with_chunk(png, b"iCCP", b"profile\0\0" + b"\xff" * 500),
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    made = make_hostile(parser.parse_args().folder)
    print(f"{len(made)} files")  # noqa: T201 - a script
