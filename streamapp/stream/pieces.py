"""Pieces: the photos of a part, read from its directory or listing a few hundred at a time.

Blocking. Memory: of each part that is being read one piece of its directory (1 MiB), for
`READERS_MAX` parts; one that was put aside is taken up again at its cursor.
"""

from __future__ import annotations

import itertools
import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from streamapp import archive, progress
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.interface import ObjectStore
    from streamapp.archive import Entry, Limits
    from streamapp.events import Cursor
    from streamapp.progress import Part, Run
    from streamapp.stream.load import Turn

    Readers = dict[tuple[str, int, int], tuple[Cursor, Iterator[Entry]]]

READERS_MAX = 16

LOOK_PHOTOS_MAX = 16_384
"""Photos that are looked at for one piece of a run that does only some of them."""

_log = logging.getLogger(__name__)


class Piece(NamedTuple):
    """Photos of a part that a run does, and the place behind them; there may be none of them yet.

    Behind the run's last photo of the part it is the part's end.
    """

    entries: list[Entry]
    after: Cursor


class Pieces:
    """Reads on where the last piece of a part ended; for one thread at a time."""

    def __init__(self, objects: ObjectStore, limits: Limits) -> None:
        self._objects = objects
        self._limits = limits
        self._readers: Readers = {}

    def read(self, turn: Turn) -> Piece:
        """The photos of a turn, or fewer; the place behind them is always another one than before.

        Raises:
            StreamappError: of fate *wait*: try again; any other: nobody can list the photos from
                the cursor on.
        """
        batch, part = turn.batch, turn.part
        # Not by the archive: several batches may have been made of one object of the bucket.
        reader = batch.state.batch, batch.run.run, part.first_index
        at, entries = self._readers.pop(reader, (part.cursor, None))
        if entries is None or at != part.cursor:
            entries = self._entries(batch.run, part)
        chosen: list[Entry] = []
        after = part.cursor
        try:
            for entry in itertools.islice(entries, LOOK_PHOTOS_MAX):
                after = entry.after
                if batch.photos_in(part, entry.index, entry.index + 1):
                    chosen.append(entry)
                if len(chosen) == turn.photos:
                    break
        except Exception as error:
            if after == part.cursor:
                raise _known(error, part) from error
            return Piece(chosen, after)  # the next read meets the error again
        if after == part.cursor:
            raise StreamappError(Code.ARCHIVE_BROKEN, "it lists fewer photos than when it came")
        if batch.left(part, after):
            self._keep(reader, after, entries)
        return Piece(chosen, batch.passing(part, after))

    def _entries(self, run: Run, part: Part) -> Iterator[Entry]:
        read, size = partial(self._objects.read, part.archive), part.archive_bytes
        if part.kind == "listing":
            return archive.listed(read, size, self._limits, start=part.cursor)
        # As it was judged: the setting may be another by now.
        limits = structs.replace(self._limits, nested=part.nested)
        duplicates = progress.duplicates_of(run, part)
        return archive.photos(read, size, limits, duplicates=duplicates, start=part.cursor)

    def _keep(self, reader: tuple[str, int, int], at: Cursor, entries: Iterator[Entry]) -> None:
        self._readers[reader] = at, entries
        if len(self._readers) > READERS_MAX:
            del self._readers[next(iter(self._readers))]


def _known(error: Exception, part: Part) -> StreamappError:
    if isinstance(error, StreamappError):
        return error
    _log.error("the photos of %s cannot be listed", part.archive, exc_info=error)
    return StreamappError(Code.INTERNAL)
