"""JPEG 2000 at a part of its size, through Pillow; OpenCV decodes it whole only.

OpenJPEG keeps 4 bytes of every sample: whole, 12 megapixels take 140 MB and a second beside the
picture, at a quarter of the sides a sixteenth of both.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from streamapp.vision.decode import Pixels

_MODES = {"L", "LA", "RGB", "RGBA"}
"""Of 8 bits; what has more, and is gray, Pillow cuts off."""


def reduced(photo: bytes, reduction: int, size: tuple[int, int]) -> Pixels | None:
    """The picture, ``reduction`` (2, 4, 8) times smaller, of ``size``: columns, rows.

    None when it has no such scale, or is broken, or is not what its header says.
    """
    try:
        with Jpeg2KImageFile(io.BytesIO(photo)) as image:
            if image.mode not in _MODES:
                return None
            image.reduce = reduction.bit_length() - 1
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, EOFError):
        return None
    if pixels.shape[1::-1] != size:
        return None
    bgr: Any = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return bgr  # type: ignore[no-any-return] # the same kind of pixels
