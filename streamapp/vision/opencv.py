"""OpenCV as it is used here: one thread, silent, the limit of pixels set before it loads."""

from __future__ import annotations

from streamapp.vision import bounds  # isort: skip - first: OpenCV reads its limits when it loads

import cv2

__all__ = ["bounds", "cv2"]

cv2.setNumThreads(1)
# What cannot be decoded becomes a code; the libraries' reasons would flood the log.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
