"""The quota of a project: how many bytes of archives are kept for it.

Each archive that was brought here (none that is only borrowed) has a mark, an empty object whose
key tells the project, the upload and the bytes; so what a project uses is one listing. A mark is
written before its project's use is summed: of uploads that end at the same time none gets past the
quota, but all of them may be refused where one would have fitted. Without a quota there are no
marks: what was brought before one was set does not count.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError
from streamapp.keys import project_prefix, quota_mark_key

if TYPE_CHECKING:
    from connectors.objects.interface import UploadStore
    from streamapp.events import ArchiveStored


class Quota:
    """The quota that every project has; ``bytes_max`` 0 for none."""

    def __init__(self, objects: UploadStore, bytes_max: int) -> None:
        self._objects = objects
        self._bytes_max = bytes_max

    async def check(self, project: str, size: int) -> None:
        """Whether ``size`` bytes more would be too many; raises ``PROJECT_QUOTA``."""
        if self._bytes_max and size:
            self._judge(size + await self._used(project))

    def mark(self, part: ArchiveStored) -> str:
        """The key of the mark that `claim` writes, ``""`` for none."""
        counts = self._bytes_max > 0
        return quota_mark_key(part.project, part.archive, part.archive_bytes) if counts else ""

    async def claim(self, mark: str, project: str) -> None:
        """Count an archive, and raise ``PROJECT_QUOTA`` when it is too much; the mark remains."""
        if mark:
            await asyncio.to_thread(self._objects.put, mark, b"", "application/octet-stream")
            self._judge(await self._used(project))

    def _judge(self, size: int) -> None:
        if size > self._bytes_max:
            raise StreamappError(
                Code.PROJECT_QUOTA, f"{size} bytes with this one, {self._bytes_max} are allowed"
            )

    async def _used(self, project: str) -> int:
        return await asyncio.to_thread(self._sum, project_prefix(project))

    def _sum(self, prefix: str) -> int:
        marks = (mark.key.rpartition(".")[2] for mark in self._objects.listing(prefix))
        return sum(int(size) for size in marks if size.isdecimal())
