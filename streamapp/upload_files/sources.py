"""What is uploaded: bytes of a known length that can be had again from any place on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from streamapp.archive.end import find_directory
from streamapp.archive.names import could_be_photo
from streamapp.errors import Code, StreamappError
from streamapp.upload_files.file_data import PIECE_BYTES
from streamapp.upload_files.packing import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


class Source(Protocol):
    """An archive, lying there or made on the way."""

    title: str
    """For display."""
    name: str
    """The archive's, for the uploader."""
    length: int
    """In bytes."""

    @property
    def fingerprint(self) -> str:
        """Another one for other bytes, as far as the file system tells."""
        ...

    def prepare(self, start: int) -> Iterable[int]:
        """Do in steps, of so many bytes each, what `pieces` needs to begin at ``start``."""
        ...

    def pieces(self, start: int) -> Iterator[bytes]:
        """The bytes from ``start`` on.

        Raises:
            StreamappError: ``FOLDER_UNUSABLE``; nothing more of it can be sent.
        """
        ...


def open_source(path: Path, say: Callable[[str], None]) -> Source:
    """The archive at ``path``, or the folder or the photo as one.

    Raises:
        ValueError: a folder without a file.
        StreamappError: ``FOLDER_UNUSABLE``; what no uploader would take (``ARCHIVE_NOT_ZIP``,
            ``ARCHIVE_BROKEN``, ``ARCHIVE_MULTI_DISK``).
    """
    try:
        if path.is_dir():
            return Folder(path, say)
        if not path.is_file():  # to open a pipe would wait for whoever writes into it
            raise StreamappError(Code.FOLDER_UNUSABLE, f"{path} is neither file nor folder")
        try:
            return Archive(path)
        except StreamappError:
            if path.suffix and could_be_photo(path.name):
                return Folder(path, say)
            raise
    except OSError as error:
        raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error


class Archive:
    """A `Source`: a ZIP file, as it lies there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = self.title = path.name
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            self.length = stat.st_size
            self.fingerprint = f"{stat.st_size} {stat.st_mtime_ns}"

            def read(start: int, length: int) -> bytes:
                file.seek(start)
                return file.read(length)

            find_directory(read, self.length)

    def prepare(self, start: int) -> Iterable[int]:  # noqa: ARG002 - the same for all
        """Nothing to do."""
        return ()

    def pieces(self, start: int) -> Iterator[bytes]:
        """As `Source.pieces`; a file that changes meanwhile cannot be sent on."""
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                while True:
                    piece = file.read(PIECE_BYTES)
                    stat = os.fstat(file.fileno())
                    if f"{stat.st_size} {stat.st_mtime_ns}" != self.fingerprint:
                        raise _changed(self._path)
                    if not piece:
                        return
                    yield piece
        except OSError as error:
            raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error


def _changed(path: Path) -> StreamappError:
    return StreamappError(Code.FOLDER_UNUSABLE, f"{path} changed while it was uploaded; run again")
