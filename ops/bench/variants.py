"""The same picture turned, and in every format that is read."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pillow_heif

TURNS = {
    0: None,
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
"""Degrees clockwise."""


def turned(pixels: Any, degrees: int) -> bytes:
    """The picture turned clockwise in its pixels, as a fine JPEG."""
    how = TURNS[degrees]
    return _encoded(pixels if how is None else cv2.rotate(pixels, how), ".jpg", _FINE)


def pixels_of(photo: bytes) -> Any:
    """Rows, columns, BGR, upright; None when OpenCV cannot decode it."""
    return cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)


_FINE = [cv2.IMWRITE_JPEG_QUALITY, 95]


def _encoded(pixels: Any, suffix: str, how: list[int] | None = None) -> bytes:
    return bytes(cv2.imencode(suffix, pixels, how or [])[1])


def _by_suffix(suffix: str, how: list[int] | None = None) -> Callable[[Any], bytes]:
    return lambda pixels: _encoded(pixels, suffix, how)


def _gray(pixels: Any) -> bytes:
    return _encoded(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), ".jpg", _FINE)


def _with_alpha(pixels: Any) -> bytes:
    return _encoded(cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA), ".png")


def _deep(pixels: Any) -> bytes:
    return _encoded(pixels.astype(np.uint16) * 257, ".png")


def _heic(pixels: Any) -> bytes:
    rows, columns = pixels.shape[:2]
    file = io.BytesIO()
    pillow_heif.from_bytes("BGR", (columns, rows), pixels.tobytes()).save(file, quality=90)
    return file.getvalue()


FORMATS: dict[str, Callable[[Any], bytes]] = {
    "JPEG": _by_suffix(".jpg", _FINE),
    "JPEG, progressive": _by_suffix(".jpg", [*_FINE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    "JPEG, gray": _gray,
    "PNG": _by_suffix(".png"),
    "PNG, alpha": _with_alpha,
    "PNG, 16 bit": _deep,
    "WebP": _by_suffix(".webp", [cv2.IMWRITE_WEBP_QUALITY, 90]),
    "AVIF": _by_suffix(".avif"),
    "HEIC": _heic,
    "GIF": _by_suffix(".gif"),
    "BMP": _by_suffix(".bmp"),
    "TIFF": _by_suffix(".tiff"),
    "JPEG 2000": _by_suffix(".jp2"),
}
"""Encoders by format; pixels are rows, columns, BGR."""
