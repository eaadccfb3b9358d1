"""Which bytes of the archive the entries claim, and whether two of them claim the same.

A ZIP bomb that no size limit sees lets many entries share one piece of compressed data (David
Fifield, "A better zip bomb", 2019), by one header for all, by data that quote the headers of the
following entries, or by extra fields that do. The data's true start is only known from the local
header, so an entry is taken to claim the least it can: 30 bytes of header, its name, its data.
That bounds what a whole archive can inflate to by its own size, which is all that is asked here.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from streamapp.archive.local import LOCAL_HEADER_BYTES
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from streamapp.archive.directory import RawEntry


class Ranges:
    """The claimed ranges, 16 bytes an entry, all of them before ``directory_start``."""

    def __init__(self, directory_start: int) -> None:
        self._directory_start = directory_start
        self._starts = array("Q")
        self._ends = array("Q")

    def add(self, entry: RawEntry) -> None:
        """Take note of an entry; ``ARCHIVE_OVERLAP`` when it reaches into the directory."""
        start = entry.header_offset
        end = start + LOCAL_HEADER_BYTES + entry.name_bytes + entry.compressed_bytes
        if end > self._directory_start:
            raise StreamappError(Code.ARCHIVE_OVERLAP, "an entry reaches into the directory")
        self._starts.append(start)
        self._ends.append(end)

    def check(self) -> None:
        """Raise ``ARCHIVE_OVERLAP`` when two ranges share a byte.

        No range being empty, they are disjoint exactly when the n-th end is never beyond the
        (n+1)-th start, starts and ends sorted each on their own: which takes no further memory.
        """
        starts, ends = (np.frombuffer(each, np.uint64) for each in (self._starts, self._ends))
        starts.sort()
        ends.sort()
        overlaps = np.flatnonzero(ends[:-1] > starts[1:])
        if overlaps.size:
            at = int(starts[overlaps[0] + 1])
            raise StreamappError(Code.ARCHIVE_OVERLAP, f"two entries share byte {at}")
