"""All who wait for news of batches: one watch for each batch, whoever many there are of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError
from streamapp.upload.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from streamapp.progress import Status
    from streamapp.upload.watch import Watcher


class Watches:
    """The watches that are kept: none without somebody who waits.

    ``ask`` tells the status of a batch; of those who wait there are ``watchers_max`` at most.
    """

    def __init__(self, ask: Callable[[str], Awaitable[Status]], watchers_max: int) -> None:
        self._ask = ask
        self._watchers_max = watchers_max
        self._kept: dict[str, Watch] = {}
        self._watchers = 0
        self._ended = False

    @asynccontextmanager
    async def watcher(self, batch: str, known: Collection[str] = ()) -> AsyncIterator[Watcher]:
        """Wait for news of a batch, of which the tags ``known`` are known already.

        Raises:
            StreamappError: ``WATCHERS_BUSY``; ``UPLOADER_AWAY``, when the uploader ends.
        """
        if self._ended:
            raise StreamappError(Code.UPLOADER_AWAY)
        if self._watchers >= self._watchers_max:
            raise StreamappError(Code.WATCHERS_BUSY)
        watch = self._kept.get(batch)
        if watch is None or watch.fault:
            watch = self._kept[batch] = Watch(batch, self._ask)
        self._watchers += 1
        watch.watchers += 1
        try:
            yield watch.join(known)
        finally:
            self._watchers -= 1
            watch.watchers -= 1
            if not watch.watchers:
                if self._kept.get(batch) is watch:
                    del self._kept[batch]
                await watch.close()

    def end(self) -> None:
        """Let all go who wait, and take nobody more: the uploader ends."""
        self._ended = True
        for watch in self._kept.values():
            watch.end(StreamappError(Code.UPLOADER_AWAY))
