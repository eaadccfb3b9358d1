"""Which entries of an archive are photos: one answer for `judge` and for `photos`."""

from __future__ import annotations

import stat
from collections import Counter
from typing import TYPE_CHECKING

from streamapp.archive.names import NESTED, can_be_opened, skip_reason
from streamapp.archive.nested import Nested
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamapp.archive.directory import RawEntry
    from streamapp.archive.end import Reader
    from streamapp.archive.faults import Limits
    from streamapp.events import Cursor

_ARCHIVES_MAX = 1_000


class Census:
    """How many entries there are, those of nested archives included, and why some are skipped."""

    def __init__(self, entries_max: int) -> None:
        self.entries = 0
        self.skipped = Counter[str]()
        self._entries_max = entries_max
        self._archives = 0

    def count(self) -> None:
        """Count an entry; ``ARCHIVE_TOO_MANY_ENTRIES`` for one past the limit."""
        self.entries += 1
        if self.entries > self._entries_max:
            raise too_many(f"the limit is {self._entries_max}")

    def count_archive(self) -> None:
        """The same for a nested archive that is looked into: each one costs several reads."""
        self._archives += 1
        if self._archives > _ARCHIVES_MAX:
            raise too_many(f"the limit for archives within the archive is {_ARCHIVES_MAX}")


def too_many(detail: str) -> StreamappError:
    """The refusal of an archive for its number of entries."""
    return StreamappError(Code.ARCHIVE_TOO_MANY_ENTRIES, detail)


class Selection:
    """The photos among the entries of an archive whose directory begins at ``end``."""

    def __init__(self, read: Reader, end: int, limits: Limits, census: Census) -> None:
        self._read = read
        self._end = end
        self._nested = limits.nested
        self._census = census

    def photos(
        self, raws: Iterable[RawEntry], start: Cursor
    ) -> Iterator[tuple[RawEntry, int, int]]:
        """Each photo of ``raws``, which begin at ``start``, and where the next photo begins.

        That is ``entry_at`` and ``inner`` of a cursor.
        """
        at, inner, skipped = start.entry_at, start.inner, self._census.skipped
        for raw in raws:
            reason = _skip_reason(raw)
            if not reason:
                yield raw, raw.next_at, 0
            elif self._nested and reason == NESTED and can_be_opened(raw.name):
                for number, photo in enumerate(self._within(raw, inner), inner + 1):
                    yield photo, at, number
            else:
                skipped[reason] += 1
            at, inner = raw.next_at, 0

    def _within(self, raw: RawEntry, passed: int) -> Iterator[RawEntry]:
        """The photos of a nested archive after those that ``passed`` before."""
        nested, census = Nested(self._read, raw, self._end), self._census
        if not passed:
            census.count_archive()
            if reason := nested.unusable(census.count):
                census.skipped[reason] += 1
                return
        for each in nested.entries():
            if reason := _skip_reason(each):
                census.skipped[reason] += 1
            elif passed:
                passed -= 1
            else:
                yield each


def _skip_reason(raw: RawEntry) -> str:
    return "folder" if raw.file_type == stat.S_IFDIR else skip_reason(raw.name)
