"""A body for urllib3 that is sent as it lies in memory, without a copy."""

from __future__ import annotations


class Blocks:
    """As much of a file as urllib3 asks of one, over bytes or a view of some."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    def read(self, size: int) -> memoryview:
        """The next ``size`` bytes, fewer at the end."""
        block = self._data[self._at : self._at + size]
        self._at += len(block)
        return block

    def tell(self) -> int:
        """Where the next read begins; urllib3 remembers it for a retry."""
        return self._at

    def seek(self, position: int) -> int:
        """Go back to where a try began."""
        self._at = position
        return position
