"""OpenCV as it is used here: one thread, silent, the limit of pixels set before it loads."""

from __future__ import annotations

from streamapp.vision import bounds  # isort: skip - first: OpenCV reads its limits when it loads

from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bounds", "cv2", "lack_of_memory_told"]

cv2.setNumThreads(1)
# What cannot be decoded becomes a code; the libraries' reasons would flood the log.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@contextmanager
def lack_of_memory_told() -> Iterator[None]:
    """Raise OpenCV's lack of memory as Python's own ``MemoryError``."""
    try:
        yield
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(error.err) from None
        raise
