"""Bounds that the native libraries read when they are loaded, so this module goes first.

One thread a process (parallelism is processes), and OpenCV's own refusal of giant pictures behind
the check of `header`, for a header that lies about what follows it.
"""

from __future__ import annotations

import ctypes
import os

PIXELS_MAX = 500_000_000
"""No photo with more pixels is decoded, whatever `Options.pixels_max` says."""

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(PIXELS_MAX))
# onnxruntime writes a device id into the home folder and reports to its maker; photos of people
# are no place for that.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# A library that holds threads of its own must not be forked, as the children's server is.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 128 * 1024 * 1024
_LARGE_BYTES = 8 * 1024 * 1024
"""What is larger goes back at once: the planes of 12 megapixels would lie beside the next ones."""


def _keep_freed_memory() -> None:
    """Have the C library keep what a photo took for the next one.

    glibc gives every picture back to the kernel and is given it anew, page by page: a third of the
    time of a photo of 1 MP, which takes 3 MB at a time. Other C libraries do not know the call.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


_keep_freed_memory()
