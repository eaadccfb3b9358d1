"""The EXIF orientation: how a camera that was held another way stored its picture.

The upright picture is the stored one transposed or not, then flipped (Exif 2.32, tag 274).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from streamapp.vision.opencv import cv2

if TYPE_CHECKING:
    from streamapp.vision.decode import Pixels

UPRIGHT = 1

_TAG = 274
_SHORT = 3


class _Way(NamedTuple):
    """From stored to upright: transpose first, then flip."""

    transpose: bool
    flip_rows: bool
    flip_columns: bool


_WAYS = {
    1: _Way(transpose=False, flip_rows=False, flip_columns=False),
    2: _Way(transpose=False, flip_rows=False, flip_columns=True),
    3: _Way(transpose=False, flip_rows=True, flip_columns=True),
    4: _Way(transpose=False, flip_rows=True, flip_columns=False),
    5: _Way(transpose=True, flip_rows=False, flip_columns=False),
    6: _Way(transpose=True, flip_rows=False, flip_columns=True),
    7: _Way(transpose=True, flip_rows=True, flip_columns=True),
    8: _Way(transpose=True, flip_rows=True, flip_columns=False),
}

_FLIPS = {(True, True): -1, (True, False): 0, (False, True): 1}


_OF_TURNS = {
    0: {None: 1, 0: 4, 1: 2},
    1: {None: 8, 0: 5, 1: 7},
    2: {None: 3, 0: 2, 1: 4},
    3: {None: 6, 0: 7, 1: 5},
}


def from_turns(turns: int, mirror: int | None) -> int:
    """The orientation of a picture that is turned counter-clockwise by quarters, then mirrored.

    ``mirror`` 0 swaps top and bottom, 1 left and right.
    """
    return _OF_TURNS[turns].get(mirror, UPRIGHT)


def is_turned(orientation: int) -> bool:
    """Whether the upright picture has the stored one's height for its width."""
    return _WAYS[orientation].transpose


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """The picture as it was seen."""
    transpose, *flips = _WAYS[orientation]
    turned: Any = cv2.transpose(pixels) if transpose else pixels
    if any(flips):
        turned = cv2.flip(turned, _FLIPS[flips[0], flips[1]])
    return turned  # type: ignore[no-any-return] # the same kind of pixels


def stored_span(
    rows: tuple[int, int], columns: tuple[int, int], size: tuple[int, int], orientation: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns of the stored picture that hold those of the upright one.

    Each is (first, behind the last); ``size`` is the upright picture's, rows and columns.
    """
    transpose, flip_rows, flip_columns = _WAYS[orientation]
    if flip_rows:
        rows = size[0] - rows[1], size[0] - rows[0]
    if flip_columns:
        columns = size[1] - columns[1], size[1] - columns[0]
    return (columns, rows) if transpose else (rows, columns)


def read_orientation(tiff: bytes) -> int:
    """The orientation in the TIFF structure of an EXIF segment; upright when it has no valid one.

    What is broken there must not cost the photo.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, directory)
        for at in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, at)
            if (tag, kind) == (_TAG, _SHORT):
                return value if value in _WAYS else UPRIGHT
    except struct.error:
        pass
    return UPRIGHT


_TURNS = (
    None,
    cv2.ROTATE_90_COUNTERCLOCKWISE,
    cv2.ROTATE_180,
    cv2.ROTATE_90_CLOCKWISE,
)


def turn(pixels: Pixels, turns: int) -> Pixels:
    """The picture turned by quarters counter-clockwise."""
    how = _TURNS[turns]
    turned: Any = pixels if how is None else cv2.rotate(pixels, how)
    return turned  # type: ignore[no-any-return] # the same kind of pixels
