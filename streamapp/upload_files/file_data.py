"""The data of a file that was promised before it was read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE_BYTES = 256 * 1024


class FileData:
    """``size`` bytes of a file, whatever becomes of it; ``changed`` tells in the end."""

    def __init__(self, path: Path, size: int, changed_ns: int) -> None:
        self._path = path
        self._size = size
        self._changed_ns = changed_ns
        self.changed = False

    def __iter__(self) -> Iterator[bytes]:
        """The bytes; zeros in the place of those that are there no more."""
        left = self._size
        try:
            with self._path.open("rb") as file:
                while left and (piece := file.read(min(PIECE_BYTES, left))):
                    left -= len(piece)
                    yield piece
                stat = os.fstat(file.fileno())
                self.changed = (stat.st_size, stat.st_mtime_ns) != (self._size, self._changed_ns)
        except OSError:
            self.changed = True
        while left:
            zeros = bytes(min(PIECE_BYTES, left))
            left -= len(zeros)
            yield zeros
