"""AVIF through libavif as Pillow brings it; OpenCV keeps the picture in four copies meanwhile.

Called below Pillow's images, which would keep it in three. It leaves the picture as it is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import _avif

from streamapp.errors import Code, StreamappError
from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from streamapp.vision.decode import Pixels

_TO_BGR = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGR}
_OUT_OF_MEMORY = "Out of memory"
"""What libavif says."""


def decoded(photo: bytes) -> Pixels:
    """The picture, the first one of a sequence, as stored: rows, columns, BGR.

    Raises:
        StreamappError: ``PHOTO_BROKEN``.
        MemoryError: the process may not have as much as the picture takes.
    """
    try:
        decoder = _avif.AvifDecoder(photo, "auto", 1)
        (columns, rows), *_ = decoder.get_info()
        content, *_ = decoder.get_frame(0)
    except (ValueError, RuntimeError, OSError, SyntaxError) as error:
        if _OUT_OF_MEMORY in str(error):
            raise MemoryError(str(error)) from None
        raise StreamappError(Code.PHOTO_BROKEN, f"AVIF: {error}") from None
    del decoder  # and what it keeps of the picture
    pixels = np.frombuffer(content, np.uint8).reshape(rows, columns, -1)
    bgr: Any = cv2.cvtColor(pixels, _TO_BGR[pixels.shape[2]])
    return bgr  # type: ignore[no-any-return] # the same kind of pixels
