"""Files that appear whole or not at all: written and synced beside the objects, then given a name.

A file being written is locked by its writer, so that `Incoming.prepare` can tell what a killed
one left behind. Every fault of the disk is ``STORE_AWAY``.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from connectors.objects.disk import away, sync_folder, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

    from connectors.objects.interface import Source

PIECE_BYTES = 1 << 20


class Incoming:
    """The ``folder`` of files that have no name yet; on the file system of those they get."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder, and remove what killed writers left; living ones hold a lock."""
        with away(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()

    def write(self, path: Path, source: Source) -> int:
        """Write what ``source`` gives to ``path``, which is replaced; its size in bytes."""
        with self._written(path, source) as (temporary, size):
            temporary.replace(path)
        return size

    def write_new(self, path: Path, source: Source) -> bool:
        """`write` unless ``path`` is there: whether it was this call that made it."""
        with self._written(path, source) as (temporary, _):
            try:
                path.hardlink_to(temporary)
            except FileExistsError:
                return False
            finally:
                temporary.unlink()
            sync_folder(path.parent)
        return True

    @contextmanager
    def _written(self, path: Path, source: Source) -> Iterator[tuple[Path, int]]:
        """A synced file with the bytes of ``source`` and its size; the block gives it a name."""
        buffer = memoryview(bytearray(PIECE_BYTES))
        with away(path):
            temporary, file = self._create()
        try:
            with file:
                while size := source.readinto(buffer):
                    with away(path):
                        write_all(file, buffer[:size])
                with away(path):
                    os.fdatasync(file.fileno())
                    path.parent.mkdir(parents=True, exist_ok=True)
                    yield temporary, file.tell()
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _create(self) -> tuple[Path, FileIO]:
        """A new temporary file, open and locked."""
        while True:
            temporary = self.folder / uuid4().hex
            file = temporary.open("xb", buffering=0)
            fcntl.flock(file, fcntl.LOCK_SH)
            # Between the two, somebody's prepare may have taken it for a leftover and removed it.
            if os.fstat(file.fileno()).st_nlink:
                return temporary, file
            file.close()
