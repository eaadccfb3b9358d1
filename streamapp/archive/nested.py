"""Archives within the archive: a stored one is opened where it lies, one level deep.

Its bytes are a range of the outer archive's, so its entries become entries of the outer one:
their offsets absolute, their names below its own (``outer.zip/inner.jpg``). What is wrong with
it costs only its own photos.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from msgspec.structs import replace

from streamapp.archive.directory import entries
from streamapp.archive.end import find_directory, read_exactly
from streamapp.archive.faults import is_encrypted
from streamapp.archive.local import LOCAL_HEADER_BYTES, local_header
from streamapp.archive.methods import STORED
from streamapp.archive.names import path_trick
from streamapp.archive.ranges import Ranges
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamapp.archive.directory import RawEntry
    from streamapp.archive.end import Directory, Reader

_DEFECTS = (
    Code.ARCHIVE_NOT_ZIP,
    Code.ARCHIVE_BROKEN,
    Code.ARCHIVE_MULTI_DISK,
    Code.ARCHIVE_OVERLAP,
    Code.ENTRY_BROKEN,
)


class Nested:
    """The archive that the entry ``raw`` of another one is, whose directory begins at ``end``."""

    def __init__(self, read: Reader, raw: RawEntry, end: int) -> None:
        self._read = read
        self._raw = raw
        self._end = end

    def unusable(self, count: Callable[[], None]) -> str:
        """The reason why it is skipped, ``""`` when it can be opened.

        Takes 16 bytes an entry for the time being. ``count`` is called for each of them, and what
        it raises passes through.
        """
        raw = self._raw
        if is_encrypted(raw.flags, raw.method):
            return "nested_encrypted"
        if raw.method != STORED:
            return "nested_compressed"
        if raw.file_type not in (0, stat.S_IFREG) or raw.compressed_bytes != raw.photo_bytes:
            return "nested_broken"
        try:
            self._check(count)
        except StreamappError as error:
            if error.code not in _DEFECTS:
                raise
            return "nested_broken"
        return ""

    def entries(self) -> Iterator[RawEntry]:
        """Its entries, as if they were the outer archive's."""
        data_at, read, directory = self._open()
        for each in entries(read, directory):
            # A name that is no path below anything must stay seen as what it is.
            name = each.name if path_trick(each.name) else f"{self._raw.name}/{each.name}"
            yield replace(each, name=name, header_offset=data_at + each.header_offset)

    def _check(self, count: Callable[[], None]) -> None:
        """Raise one of `_DEFECTS`, or what ``count`` raises."""
        _, read, directory = self._open()
        ranges = Ranges(directory.start)
        for each in entries(read, directory):
            count()
            ranges.add(each)
        ranges.check()

    def _open(self) -> tuple[int, Reader, Directory]:
        """Where its bytes begin, a reader of them and where its directory lies in them."""
        raw, outer = self._raw, self._read
        header = read_exactly(outer, raw.header_offset, LOCAL_HEADER_BYTES)
        data_at, size = raw.header_offset + local_header(header).data_at, raw.compressed_bytes
        if data_at + size > self._end:
            raise StreamappError(Code.ARCHIVE_OVERLAP, "an entry reaches into the directory")

        def read(start: int, length: int) -> bytes:
            return outer(data_at + start, min(length, size - start))

        return data_at, read, find_directory(read, size)
