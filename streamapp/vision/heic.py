"""HEIC and HEIF, the photos of phones, through libheif; it applies their turns itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pillow_heif

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from streamapp.vision.decode import Pixels

pillow_heif.options.DECODE_THREADS = 1

_OUT_OF_MEMORY = "Memory allocation error: Unspecified"
"""What libheif says; of its own limits, which only damaged files reach, it says something else."""


def decoded(photo: bytes) -> Pixels:
    """The main picture, upright, rows, columns, BGR.

    Raises:
        StreamappError: ``PHOTO_BROKEN``.
        MemoryError: the process may not have as much as the picture takes.
    """
    try:
        heif = pillow_heif.open_heif(photo, convert_hdr_to_8bit=True, bgr_mode=True)
        pixels = np.asarray(heif)
    except (ValueError, RuntimeError, OSError, SyntaxError, EOFError, IndexError) as error:
        if _OUT_OF_MEMORY in str(error):
            raise MemoryError(str(error)) from None
        raise StreamappError(Code.PHOTO_BROKEN, f"HEIC: {error}") from None
    if pixels.dtype == np.uint16:  # gray of more than 8 bits, which libheif leaves as it is
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 2:  # noqa: PLR2004 - gray
        pixels = np.stack([pixels] * 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3])
