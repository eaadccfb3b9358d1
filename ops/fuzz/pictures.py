"""One small portrait in every format and kind of coding that the product reads."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import cv2
import numpy as np
import pillow_heif
from PIL import Image

from ops.sample.make import PORTRAIT, with_orientation

SIDE = 256


@cache
def pictures() -> dict[str, bytes]:
    """The portrait by the name of its coding, 256 × 256 pixels, its face found in each."""
    pixels = portrait()
    return _of_opencv(pixels) | _of_pillow(Image.fromarray(pixels[..., ::-1].copy()))


def portrait() -> Any:
    """The portrait's pixels, BGR."""
    pixels: Any = cv2.imread(str(PORTRAIT))
    return cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def encoded(suffix: str, pixels: Any, *flags: int) -> bytes:
    """The pixels as a file of OpenCV's."""
    return bytes(cv2.imencode(suffix, pixels, flags)[1])


def _of_opencv(pixels: Any) -> dict[str, bytes]:
    gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    jpeg = encoded(".jpg", pixels)
    return {
        "jpeg": jpeg,
        "jpeg progressive": encoded(".jpg", pixels, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        "jpeg restarts": encoded(".jpg", pixels, cv2.IMWRITE_JPEG_RST_INTERVAL, 8),
        "jpeg gray": encoded(".jpg", gray),
        # Large enough that only a part of it is decoded for its crop.
        "jpeg part": with_orientation(encoded(".jpg", cv2.resize(pixels, (1800, 1800))), 1),
        "png": encoded(".png", pixels),
        "png alpha": encoded(".png", cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)),
        "png 16 bit": encoded(".png", pixels.astype(np.uint16) * 257),
        "webp": encoded(".webp", pixels, cv2.IMWRITE_WEBP_QUALITY, 80),
        "webp lossless": encoded(".webp", pixels, cv2.IMWRITE_WEBP_QUALITY, 101),
        "avif": encoded(".avif", pixels),
        "gif": encoded(".gif", pixels),
        "bmp": encoded(".bmp", pixels),
        "tiff": encoded(".tiff", pixels),
        "tiff raw": encoded(".tiff", pixels, cv2.IMWRITE_TIFF_COMPRESSION, 1),
        "jp2": encoded(".jp2", pixels),
    }


def _of_pillow(image: Image.Image) -> dict[str, bytes]:
    frames = [_palette(image.rotate(turned)) for turned in (0, 90, 180)]
    animation = {"save_all": True, "append_images": frames[1:], "duration": 50}
    heif = pillow_heif.from_pillow(image)
    return {
        "jpeg cmyk": _saved(image.convert("CMYK"), "JPEG"),
        "png palette": _saved(_palette(image), "PNG"),
        "png animated": _saved(frames[0], "PNG", **animation),
        "webp animated": _saved(frames[0], "WEBP", **animation),
        "gif animated": _saved(frames[0], "GIF", **animation),
        "bmp palette": _saved(_palette(image), "BMP"),
        "tiff jpeg": _saved(image, "TIFF", compression="jpeg"),
        "tiff deflate": _saved(image, "TIFF", compression="tiff_adobe_deflate"),
        "heic": _saved(heif, ""),
    }


def _palette(image: Image.Image) -> Image.Image:
    return image.quantize(128, Image.Quantize.FASTOCTREE)


def _saved(image: Any, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options) if form else image.save(file)
    return file.getvalue()
