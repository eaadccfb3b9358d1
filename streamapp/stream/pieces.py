"""Pieces: the photos of a part, read from its directory or listing a few hundred at a time.

Blocking. Memory: of each part that is being read one piece of its directory (1 MiB), for
`READERS_MAX` parts; one that was put aside is taken up again at its cursor.
"""

from __future__ import annotations

import itertools
import logging
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from streamapp import archive, progress
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.interface import ObjectStore
    from streamapp.archive import Entry, Limits
    from streamapp.events import Cursor
    from streamapp.progress import Part, Progress

    Readers = dict[tuple[str, int], tuple[Cursor, Iterator[Entry]]]

READERS_MAX = 16

_log = logging.getLogger(__name__)


class Pieces:
    """Reads on where the last piece of a part ended; for one thread at a time."""

    def __init__(self, objects: ObjectStore, limits: Limits) -> None:
        self._objects = objects
        self._limits = limits
        self._readers: Readers = {}

    def read(self, batch: Progress, part: Part, photos: int) -> list[Entry]:
        """The next photos of a batch's part, from its cursor on: ``photos``, or at least one.

        Raises:
            StreamappError: of fate *wait*: try again; any other: nobody can list the photos from
                the cursor on.
        """
        # Not by the archive: several batches may have been made of one object of the bucket.
        reader = batch.batch, part.first_index
        at, entries = self._readers.pop(reader, (part.cursor, None))
        if entries is None or at != part.cursor:
            entries = self._entries(batch, part)
        piece: list[Entry] = []
        try:
            for entry in itertools.islice(entries, photos):
                piece.append(entry)  # noqa: PERF402 - what came before an error is kept
        except Exception as error:
            if not piece:
                raise _known(error, part) from error
            return piece  # the next read meets the error again
        if not piece:
            raise StreamappError(Code.ARCHIVE_BROKEN, "it lists fewer photos than when it came")
        if piece[-1].after.index < (part.photos or 0):
            self._keep(reader, piece[-1].after, entries)
        return piece

    def _entries(self, batch: Progress, part: Part) -> Iterator[Entry]:
        read, size = partial(self._objects.read, part.archive), part.archive_bytes
        if part.kind == "listing":
            return archive.listed(read, size, self._limits, start=part.cursor)
        # As it was judged: the setting may be another by now.
        limits = structs.replace(self._limits, nested=part.nested)
        duplicates = progress.duplicates_of(batch, part)
        return archive.photos(read, size, limits, duplicates=duplicates, start=part.cursor)

    def _keep(self, reader: tuple[str, int], at: Cursor, entries: Iterator[Entry]) -> None:
        self._readers[reader] = at, entries
        if len(self._readers) > READERS_MAX:
            del self._readers[next(iter(self._readers))]


def _known(error: Exception, part: Part) -> StreamappError:
    if isinstance(error, StreamappError):
        return error
    _log.error("the photos of %s cannot be listed", part.archive, exc_info=error)
    return StreamappError(Code.INTERNAL)
