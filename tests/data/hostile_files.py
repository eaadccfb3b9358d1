"""PNG, BMP, TIFF and others that lie about what they hold."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def empty_png(width: int, height: int) -> bytes:
    """A whole PNG of black and white pixels, all black: 30,000 × 30,000 take 110 KB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + -(-width // 8))
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """The PNG with a chunk behind its header."""
    at = len(PNG) + 25
    return png[:at] + chunk(kind, body) + png[at:]


def animation_of(compressed: bytes, side: int) -> bytes:
    """An animated PNG whose first frame is whatever is made of these bytes.

    Where that is not enough, OpenCV 4.14 shows memory as it finds it: pixels of earlier photos.
    """
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    frame = struct.pack(">IIIIHHBB", side, side, 0, 0, 1, 10, 0, 0)
    return b"".join(
        (
            PNG,
            chunk(b"IHDR", header),
            chunk(b"acTL", struct.pack(">II", 2, 0)),
            chunk(b"fcTL", struct.pack(">I", 0) + frame),
            chunk(b"IDAT", compressed),
            chunk(b"fcTL", struct.pack(">I", 1) + frame),
            chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(bytes(64))),
            chunk(b"IEND", b""),
        )
    )


def with_height(bmp: bytes, height: int) -> bytes:
    return bmp[:22] + struct.pack("<i", height) + bmp[26:]


def top_down(bmp: bytes) -> bytes:
    """The same picture with its rows from the top: the height is negative."""
    start = struct.unpack_from("<I", bmp, 10)[0]
    (height,) = struct.unpack_from("<i", bmp, 22)
    rows = np.frombuffer(bmp, np.uint8, offset=start).reshape(height, -1)
    return with_height(bmp, -height)[:start] + rows[::-1].tobytes()


def with_tag(tiff: bytes, tag: int, value: int, count: int | None = None) -> bytes:
    """The little-endian TIFF with another value (and count) in an entry of its directory."""
    changed = bytearray(tiff)
    directory = struct.unpack_from("<I", tiff, 4)[0]
    (entries,) = struct.unpack_from("<H", tiff, directory)
    for at in range(directory + 2, directory + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", tiff, at)[0] == tag:
            struct.pack_into("<H", changed, at + 2, 4)
            struct.pack_into("<I", changed, at + 8, value)
            if count is not None:
                struct.pack_into("<I", changed, at + 4, count)
    return bytes(changed)


def gif_of(frames: list[Any]) -> bytes:
    """An animated GIF of BGR pictures."""
    first, *others = (
        Image.fromarray(frame[..., ::-1].copy()).quantize(256, Image.Quantize.FASTOCTREE)
        for frame in frames
    )
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=50)
    return file.getvalue()


def encoded(suffix: str, pixels: Any, *flags: int) -> bytes:
    return bytes(cv2.imencode(suffix, pixels, flags)[1])
