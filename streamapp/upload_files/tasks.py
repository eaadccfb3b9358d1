"""What the command was asked for, as one task for each of its arguments."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from streamapp.upload_files.sources import open_source
from streamapp.upload_files.tus import Order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamapp.upload_files.sources import Source


class Task(NamedTuple):
    """A source that is to become a batch; ``path`` as it was given."""

    path: Path
    source: Source
    order: Order


class Wish(NamedTuple):
    """The options that make an order; ``key`` is ``""`` for one of our own making."""

    project: str
    priority: int
    external_id: str
    key: str
    anew: bool

    def task(self, path: Path, say: Callable[[str], None]) -> Task:
        """The task of one argument; raises what `open_source` raises.

        Its key is the same whenever the same is wished for the same files, unless ``anew``: then
        only an upload under way is known again.
        """
        source = open_source(path, say)
        wished = self.key or self._derived(path, source)
        key, repeats = (uuid4().hex, f"{wished} anew") if self.anew else (wished, wished)
        return Task(
            path, source, Order(self.project, self.priority, self.external_id, key, repeats)
        )

    def _derived(self, path: Path, source: Source) -> str:
        parts = (
            self.project,
            str(self.priority),
            self.external_id,
            str(path.resolve()),
            source.fingerprint,
        )
        return sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()
