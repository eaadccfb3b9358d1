"""The still picture of a PNG: what says that it is animated is left out.

OpenCV (4.14) composes the frames of an animated PNG in memory that it does not clear: one whose
first frame is damaged comes out as whatever lay there, such as the pixels of earlier photos. Read
as a still it is its default picture, all rows of it or an error.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNATURE_BYTES = 8
_BESIDE_DATA_BYTES = 12
"""Of a chunk: length, type, CRC."""
_CONTROLS = (b"acTL", b"fcTL")


def still(photo: bytes) -> bytes:
    """The PNG without the control chunks of an animation (PNG 3, sections 11.3.4.1 and 2)."""
    pieces, start = [], 0
    for kind, at, end in _chunks_before_pixels(photo):
        if kind in _CONTROLS:
            pieces.append(photo[start:at])
            start = end
    return b"".join((*pieces, photo[start:])) if pieces else photo


def _chunks_before_pixels(photo: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, first byte and byte behind the last of each chunk."""
    at = _SIGNATURE_BYTES
    while (kind := photo[at + 4 : at + 8]) and kind != b"IDAT":
        (length,) = struct.unpack_from(">I", photo, at)
        end = at + length + _BESIDE_DATA_BYTES
        yield kind, at, end
        at = end
