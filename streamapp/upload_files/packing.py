"""A folder, or a photo, as a ZIP that is never written: made while it is sent, from any byte on.

The files are stored in the order of their names, so the archive's length is known before one is
read, and the same files give the same bytes. To begin in the middle, what lies before is not read
again, but for the CRCs that this process does not know: the directory tells them in the end.

A file that changes meanwhile costs its own photo: its CRC is written so that nothing can match it.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING
from zlib import crc32

from streamapp import zip_records as records
from streamapp.folders import files_below
from streamapp.upload_files.file_data import PIECE_BYTES, FileData
from streamapp.upload_files.lines import counted
from streamapp.zip_records import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


class Folder:
    """A `sources.Source`: the files of a folder and below, or a single file.

    Hidden ones, clutter and symbolic links are left out.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        """List the files; ``say`` hears of links, of what changes meanwhile, of what takes long.

        Raises:
            ValueError: There are none.
            StreamappError: ``FOLDER_UNUSABLE``.
        """
        self._folder = path if path.is_dir() else path.parent
        self._say = say
        self.title = path.resolve().name or "photos"
        self.name = f"{self.title}.zip"
        paths = sorted(self._find()) if path.is_dir() else [os.fsencode(path.name)]
        if not paths:
            raise ValueError(f"There is no file in {path}.")
        stats = [self._path(path).stat() for path in paths]
        self._members = [
            Member(path, stat.st_size) for path, stat in zip(paths, stats, strict=True)
        ]
        self._changed_ns = array("q", (stat.st_mtime_ns for stat in stats))
        self._starts = array("Q", accumulate(map(records.member_bytes, self._members), initial=0))
        self._crcs: dict[int, int] = {}
        self._directory_bytes = sum(
            records.directory_entry_bytes(member, at)
            for member, at in zip(self._members, self._starts, strict=False)
        )
        self.length = self._starts[-1] + self._directory_bytes + len(self._end())

    @property
    def fingerprint(self) -> str:
        """Another one for other files: of their names, sizes and times of change."""
        digest = sha256()
        for member, changed_ns in zip(self._members, self._changed_ns, strict=True):
            digest.update(b"%d %d %b\0" % (member.size, changed_ns, member.name))
        return digest.hexdigest()

    def prepare(self, start: int) -> Iterator[int]:
        """Read the files before byte ``start`` whose CRC is not known, one in each step."""
        before = range(bisect_right(self._starts, start) - 1)
        unknown = [index for index in before if index not in self._crcs]
        if unknown:
            files = counted(len(unknown), "file")
            self._say(f"{self.title}: reading {files} again, sent before")
        for index in unknown:
            yield sum(map(len, self._member(index)))

    def pieces(self, start: int) -> Iterator[bytes]:
        """The bytes of the archive from ``start`` on."""
        return _gathered(self._pieces(start))

    def _find(self) -> Iterator[bytes]:
        links: list[Path] = []
        for path in files_below(self._folder, on_link=links.append):
            yield os.fsencode(path.relative_to(self._folder))
        if links:
            skipped = counted(len(links), "symbolic link")
            self._say(f"{self.title}: {skipped} skipped, as links are not followed")

    def _pieces(self, start: int) -> Iterator[bytes]:
        first = bisect_right(self._starts, start) - 1
        for index in range(first, len(self._members)):
            yield from _without(start - self._starts[index], self._member(index))
        yield from _without(start - self._starts[-1], self._directory())

    def _member(self, index: int) -> Iterator[bytes]:
        member = self._members[index]
        yield records.local_header(member)
        crc = 0
        data = FileData(self._path(member.name), member.size, self._changed_ns[index])
        for piece in data:
            crc = crc32(piece, crc)
            yield piece
        if data.changed:
            crc ^= 0xFFFFFFFF
            if self._crcs.get(index) != crc:
                self._say(f"{os.fsdecode(member.name)} changed while it was sent; it will fail")
        self._crcs[index] = crc
        yield records.descriptor(member, crc)

    def _directory(self) -> Iterator[bytes]:
        for index, member in enumerate(self._members):
            yield records.directory_entry(member, crc=self._crcs[index], at=self._starts[index])
        yield self._end()

    def _end(self) -> bytes:
        return records.end(len(self._members), at=self._starts[-1], size=self._directory_bytes)

    def _path(self, name: bytes) -> Path:
        return self._folder / os.fsdecode(name)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of `PIECE_BYTES` and more, but for the last."""
    held, size = list[bytes](), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _without(count: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces without their first ``count`` bytes; all of them when that is negative."""
    for piece in pieces:
        if count < len(piece):
            yield piece[max(0, count) :]
        count -= len(piece)
