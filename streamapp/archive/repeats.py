"""Which of a list of names repeat an earlier one, at 8 bytes a name."""

from __future__ import annotations

from array import array

import numpy as np
from pyroaring import BitMap


class Repeats:
    """Names in the order of their indexes, kept as 64-bit hashes.

    Two different names are taken for one with a chance of 3 in 10^8 for a whole archive of a
    million names. The hash is Python's, secret to the process, so that nobody can choose names
    that collide.
    """

    def __init__(self) -> None:
        self._hashes = array("q")
        self.add = self._hashes.append
        """Takes ``hash(name)`` of the next name; bound here because it runs once an entry."""

    def indexes(self) -> BitMap:
        """The indexes of the names that were there before."""
        hashes = np.frombuffer(self._hashes, np.int64)
        ascending = np.sort(hashes)
        if not np.any(ascending[1:] == ascending[:-1]):
            return BitMap()
        order = np.argsort(hashes, kind="stable")
        ascending = hashes[order]
        return BitMap(order[1:][ascending[1:] == ascending[:-1]].astype(np.uint32))
