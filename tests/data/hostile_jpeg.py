"""JPEGs that no camera writes, segment by segment (ITU-T T.81, annex B)."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
ENTRY = b"\x01\x12\0\x03\0\0\0\x01"
"""Of an EXIF directory: the orientation, one SHORT."""


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """The JPEG with segments in front of its own."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def exif(tiff: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + tiff)


def exif_directory(orientation: int, *, entries: int = 1, at: int = 8) -> bytes:
    """An EXIF with one entry, whatever it says of their number and of its own place."""
    return exif(
        struct.pack(">2sHIH", b"MM", 42, at, entries)
        + ENTRY
        + struct.pack(">HHI", orientation, 0, 0)
    )


def frame_at(jpeg: bytes) -> int:
    """Where the start of the frame is; the JPEG must be one of OpenCV's baseline ones."""
    return jpeg.index(b"\xff\xc0")


def with_frame(
    jpeg: bytes,
    *,
    marker: int | None = None,
    precision: int | None = None,
    height: int | None = None,
    width: int | None = None,
) -> bytes:
    """The JPEG with something else in its frame."""
    at = frame_at(jpeg)
    old = struct.unpack_from(">BHBHH", jpeg, at + 1)
    wanted = (marker, None, precision, height, width)
    new = (is_ if want is None else want for is_, want in zip(old, wanted, strict=True))
    return jpeg[: at + 1] + struct.pack(">BHBHH", *new) + jpeg[at + 9 :]


def with_its_height_behind_it(jpeg: bytes) -> bytes:
    """Height 0 in the frame and the true one in a DNL segment behind the scan."""
    (height,) = struct.unpack_from(">H", jpeg, frame_at(jpeg) + 5)
    return with_frame(jpeg, height=0)[:-2] + segment(0xDC, struct.pack(">H", height)) + EOI


def of_many_scans(side: int, scans: int) -> bytes:
    """A progressive gray JPEG whose scans refine nothing: small to send, long to decode.

    Its side is a multiple of 8.
    """
    blocks = (side // 8) ** 2
    return b"".join(
        (
            SOI,
            segment(0xDB, bytes([0]) + bytes([16] * 64)),
            segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"),
            segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0"),
            # One symbol: a run of at least 2¹⁴ blocks without change; 14 bits tell how many more.
            segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0"),
            segment(0xDA, b"\1\1\0\0\0\0") + bytes(-(-blocks // 8)),
            (segment(0xDA, b"\1\1\0\1\x3f\x10") + _long_runs(blocks)) * scans,
            EOI,
        )
    )


def _long_runs(blocks: int) -> bytes:
    """End-of-band runs over all blocks: each the code 0, then 14 bits."""
    whole, rest = divmod(blocks, (1 << 15) - 1)
    runs = "0" + "1" * 14
    bits = runs * whole + (runs if rest else "")
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")


def lossless(pixels: Any) -> bytes:
    """A lossless JPEG (process 14, predictor 1) of BGR pixels; it cannot be decoded at 1/2."""
    samples = pixels[..., ::-1].astype(np.int32)
    differences = np.diff(samples, axis=1, prepend=0)
    differences[1:, 0] = np.diff(samples[:, 0], axis=0)
    differences[0, 0] -= 128
    height, width = pixels.shape[:2]
    components = b"".join(bytes([name, 0x11, 0]) for name in b"RGB")
    return b"".join(
        (
            SOI,
            segment(0xC3, struct.pack(">BHHB", 8, height, width, 3) + components),
            segment(0xC4, b"\0" + bytes([0, 0, 0, 9] + [0] * 12) + bytes(range(9))),
            segment(0xDA, b"\3R\0G\0B\0\1\0\0"),
            _coded(differences.ravel()),
            EOI,
        )
    )


def _coded(differences: Any) -> bytes:
    """Each as its number of bits, in 4 bits, then these."""
    lengths = np.ceil(np.log2(np.abs(differences) + 1)).astype(int)
    values = np.where(differences < 0, differences + (1 << lengths) - 1, differences)
    bits = np.zeros((len(differences), 12), bool)
    used = np.ones_like(bits)
    for place in range(4):
        bits[:, place] = lengths >> (3 - place) & 1
    for place in range(8):
        used[:, 4 + place] = place < lengths
        bits[:, 4 + place] = values >> np.maximum(lengths - 1 - place, 0) & 1
    return np.packbits(bits[used]).tobytes().replace(b"\xff", b"\xff\0")


def jpeg(pixels: Any, *flags: int) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, flags)[1])
