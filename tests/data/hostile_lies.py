"""Photos whose headers say what is not so."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ops.fuzz.pictures import pictures
from tests.data import hostile_files as files
from tests.data import hostile_jpeg as jpegs
from tests.data.hostile_ends import BROKEN, FACE, NONE, TOO_MANY, ending

if TYPE_CHECKING:
    from tests.data.hostile_ends import Corpus


def lying_jpegs(pixels: Any, portrait: bytes) -> Corpus:
    """Frames that do not fit their data, and kinds of coding that nobody expects."""
    height, width = pixels.shape[:2]
    restarts = jpegs.jpeg(pixels, cv2.IMWRITE_JPEG_RST_INTERVAL, 4)
    lying = {
        "taller-than-its-data.jpg": jpegs.with_frame(portrait, height=4 * height),
        "wider-than-its-data.jpg": jpegs.with_frame(portrait, width=4 * width),
        "narrower-than-its-data.jpg": jpegs.with_frame(portrait, width=width // 2),
        "arithmetic.jpg": jpegs.with_frame(portrait, marker=0xC9),
        "hierarchical.jpg": jpegs.with_frame(portrait, marker=0xC5),
        "12-bit.jpg": jpegs.with_frame(portrait, marker=0xC1, precision=12),
        "restarts-out-of-order.jpg": restarts.replace(b"\xff\xd3", b"\xff\xd5"),
        "two-frames.jpg": jpegs.with_segments(portrait, portrait[jpegs.frame_at(portrait) :][:19]),
        "begins-twice.jpg": jpegs.SOI + portrait,
        "no-tables.jpg": portrait[:2] + portrait[jpegs.frame_at(portrait) :],
    }
    return (
        ending((FACE, NONE, BROKEN), lying)
        | ending((BROKEN,), {"height-behind-it.jpg": jpegs.with_its_height_behind_it(portrait)})
        | ending(
            (FACE,),
            {
                "lower-than-its-data.jpg": jpegs.with_frame(portrait, height=height // 2),
                "cmyk.jpg": pictures()["jpeg cmyk"],
                "lossless.jpg": jpegs.lossless(cv2.resize(pixels, (1900, 1900))[:950]),
                "filled-with-ff.jpg": portrait[:2] + b"\xff" * 100_000 + portrait[2:],
            },
        )
    )


def lying_others(pixels: Any) -> Corpus:
    """PNG, GIF, BMP and TIFF: absurd sizes, offsets and counts."""
    bmp, tiff = (files.encoded(suffix, pixels) for suffix in (".bmp", ".tiff"))
    noise = np.random.default_rng(1).integers(0, 256, pixels.shape, np.uint8)
    return (
        ending(
            (FACE,),
            {
                "from-the-top.bmp": files.top_down(bmp),
                "animated.gif": files.gif_of([pixels, noise]),
            },
        )
        | ending(
            (TOO_MANY,),
            {
                "height-2-31.bmp": files.with_height(bmp, -(2**31)),
                "height-huge.bmp": files.with_height(bmp, 2**31 - 1),
                "width-huge.tiff": files.with_tag(tiff, 256, 0xFFFF_FFFF),
            },
        )
        | ending(
            (BROKEN,),
            {
                "animation-of-nothing.png": files.animation_of(b"\x78\x9c" + b"\xff" * 64, 256),
                "animation-of-few-rows.png": files.animation_of(zlib.compress(bytes(7690)), 256),
                "items-65535.heic": _with_items(pictures()["heic"], 65_535),
                "taller.bmp": files.with_height(bmp, 5000),
                "bits-per-sample.tiff": files.with_tag(tiff, 258, 65_535, count=1),
                "strips-far-away.tiff": files.with_tag(tiff, 273, 0xFFFF_FFF0),
                "strips-many.tiff": files.with_tag(tiff, 273, 8, count=0xFFFF_FFFF),
                "samples-many.tiff": files.with_tag(tiff, 277, 60_000),
                "rows-none.tiff": files.with_tag(tiff, 257, 0),
            },
        )
    )


def _with_items(heic: bytes, count: int) -> bytes:
    """The HEIC with another number of items in its list (ISO/IEC 14496-12, section 8.11.6)."""
    at = heic.index(b"iinf") + 8
    return heic[:at] + count.to_bytes(2) + heic[at + 2 :]
