"""The photos of the load: small, of the public-domain portrait, each with its end in its name.

A photo's name begins with what must become of it, so a checker that knows nothing but the archive
can tell: ``face2-0007.jpg`` is completed with two faces, ``bad_photo_broken-0008.png`` has failed
with the code ``photo_broken``.
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from ops.sample.make import PORTRAIT

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

SIDES = (224, 256, 320)
BAD_SHARE, BLANK_SHARE, PAIR_SHARE = 0.06, 0.1, 0.1


class Photo(NamedTuple):
    """An entry of an archive; ``kind`` is the part of its name before the dash."""

    kind: str
    suffix: str
    content: bytes

    def name(self, number: int) -> str:
        """Its name as the archive's entry ``number``."""
        return f"{self.kind}-{number:04d}{self.suffix}"


class Album:
    """The few pictures of which every archive consists, made once."""

    def __init__(self) -> None:
        portrait: Any = cv2.imread(str(PORTRAIT))
        scaled = [cv2.resize(portrait, (side, side)) for side in SIDES]
        self._faces = [_jpeg("face1", each) for each in scaled]
        self._pairs = [_jpeg("face2", np.hstack([each, each])) for each in scaled]
        self._blanks = [_jpeg("face0", np.full_like(each, 96)) for each in scaled]
        self._bad = [
            Photo("bad_photo_not_an_image", ".txt", b"no photo at all"),
            Photo("bad_photo_not_an_image", ".jpg", b""),
            Photo("bad_photo_broken", ".jpg", self._faces[0].content[:600]),
        ]

    def pick(self, rng: random.Random, count: int) -> list[Photo]:
        """So many photos, most of them with one face."""
        kinds = [self._bad, self._blanks, self._pairs, self._faces]
        weights = [BAD_SHARE, BLANK_SHARE, PAIR_SHARE, 1 - BAD_SHARE - BLANK_SHARE - PAIR_SHARE]
        return [rng.choice(kind) for kind in rng.choices(kinds, weights, k=count)]


def write_archive(path: Path, photos: Sequence[Photo], *, clutter: bool, slow: int = 0) -> None:
    """A ZIP of the photos.

    Args:
        path: Where.
        photos: What, in this order.
        clutter: Add what desktop systems leave in archives, and a name that comes twice.
        slow: Photos to add that take longer than the time limit, in every attempt.
    """
    names = [(photo.name(number), photo.content) for number, photo in enumerate(photos)]
    if clutter:
        names[1:1] = [("__MACOSX/._face1-0000.jpg", b"x"), (".DS_Store", b"x"), names[0]]
    names += [(f"bad_photo_timed_out-{n:04d}.jpg", endless_jpeg()) for n in range(slow)]
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the name that comes twice
        for name, content in names:
            archive.writestr(name, content)


def endless_jpeg(side: int = 2048, scans: int = 4000) -> bytes:
    """A progressive JPEG whose scans refine nothing: minutes to decode (ITU-T T.81, annex G)."""
    blocks = (side // 8) ** 2
    frame = b"\x08" + side.to_bytes(2) * 2 + b"\1\1\x11\0"
    # One symbol: a run of at least 2¹⁴ blocks without change; 14 bits tell how many more.
    huffman = b"\x10" + bytes([1] + [0] * 15) + b"\xe0"
    runs = "0" + "1" * 14
    bits = runs * -(-blocks // ((1 << 15) - 1))
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xDB, b"\0" + bytes([16] * 64)),
            _segment(0xC2, frame),
            _segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0"),
            _segment(0xC4, huffman),
            _segment(0xDA, b"\1\1\0\0\0\0") + bytes(-(-blocks // 8)),
            (_segment(0xDA, b"\1\1\0\1\x3f\x10") + scan) * scans,
            b"\xff\xd9",
        )
    )


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2) + body


def _jpeg(kind: str, pixels: Any) -> Photo:
    return Photo(kind, ".jpg", cv2.imencode(".jpg", pixels)[1].tobytes())
