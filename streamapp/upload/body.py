"""A bounded pipe from the event loop to the thread that stores the archive.

The loop writes chunks as the client sends them and is held back while the pipe is full, so the
memory of an upload does not grow with its size and the client feels the store's pace. A chunk is
passed on as it is; the one copy is the join into the size the store asks for. When the loop gives
up, `Pipe.read` raises, so that the store drops what it has; when the store gives up, `Pipe.write`
returns False.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque

PIPE_BYTES_MAX = 4 * 1024 * 1024


class UploadAbandoned(Exception):  # noqa: N818 - a decision of the loop's side, not an error
    """Raised out of `Pipe.read` when the upload will not be completed."""


class Pipe:
    """One writer on the event loop (where it is made), one reader in a thread."""

    def __init__(self, bytes_max: int = PIPE_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._room.set()
        self._changed = threading.Condition()
        self._chunks: deque[bytes | memoryview] = deque()
        self._buffered = 0
        self._awaited = 0
        self._full = False
        self._ended = False
        self._abandoned = False
        self._closed = False

    async def write(self, chunk: bytes) -> bool:
        """Pass ``chunk`` on once there is room; False when nobody reads any more."""
        await self._room.wait()
        if self._closed:
            return False
        with self._changed:
            self._chunks.append(chunk)
            self._buffered += len(chunk)
            self._full = self._buffered >= self._bytes_max
            if self._buffered >= self._awaited:
                self._changed.notify()
        if self._full:
            self._room.clear()
        return True

    def end(self) -> None:
        """Say that the last chunk was written."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def abandon(self) -> None:
        """Make the reader raise `UploadAbandoned`, also when everything was written."""
        with self._changed:
            self._abandoned = True
            self._chunks.clear()
            self._changed.notify()

    def close(self) -> None:
        """Say that nobody reads any more; a waiting writer goes on. Called on the event loop."""
        self._closed = True
        self._room.set()

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer, wholly unless the end is reached; the number of bytes, 0 after it.

        Raises:
            UploadAbandoned: The rest will not come.
        """
        filled = 0
        while (missing := len(buffer) - filled) and (taken := self._take(missing)):
            for chunk in taken:
                buffer[filled : filled + len(chunk)] = chunk
                filled += len(chunk)
        return filled

    def _take(self, size: int) -> list[bytes | memoryview]:
        """Up to ``size`` bytes, at least one unless the end was reached."""
        with self._changed:
            # Waking for every chunk would cost more than the copy: half a pipe is worth it.
            self._awaited = min(size, self._bytes_max // 2)
            self._changed.wait_for(self._readable)
            if self._abandoned:
                raise UploadAbandoned
            taken: list[bytes | memoryview] = []
            while size and self._chunks:
                chunk = self._chunks.popleft()
                if len(chunk) > size:
                    view = memoryview(chunk)
                    chunk, rest = view[:size], view[size:]
                    self._chunks.appendleft(rest)
                taken.append(chunk)
                size -= len(chunk)
                self._buffered -= len(chunk)
            if self._full and self._buffered <= self._bytes_max // 2:
                self._full = False
                self._loop.call_soon_threadsafe(self._room.set)
            return taken

    def _readable(self) -> bool:
        return self._buffered >= self._awaited or self._ended or self._abandoned
