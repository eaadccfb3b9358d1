"""Objects as files of a folder: the embedded default, nothing to start and easy to look into.

Guarantees: an object appears under its name whole or not at all, also after a power cut: it is
written and synced in ``.incoming`` of the same file system, then renamed. A streamed object's
folder is synced too, because its sender may now drop the original. What a killed writer leaves
behind is removed by the next `FolderStore.prepare`. A disk that is full, gone or closed to us is
``STORE_AWAY`` with the reason.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from io import BytesIO, FileIO
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from connectors.objects.key import checked, is_key, is_prefix
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.interface import Source

PIECE_BYTES = 1 << 20


class FolderStore:
    """An `ObjectStore` in the folder ``root``. Content types are not kept: files need none."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._incoming = self._root / ".incoming"

    def prepare(self) -> None:
        """Make the folder, and remove what killed writers left; living ones hold a lock."""
        with _away(self._root):
            self._incoming.mkdir(parents=True, exist_ok=True)
            for path in self._incoming.iterdir():
                with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()

    def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - see class
        """Write the file; an existing one is replaced."""
        self._write(self._path(key), BytesIO(data))

    def put_stream(self, key: str, source: Source, content_type: str) -> int:  # noqa: ARG002
        """Write the file in pieces of 1 MiB and return its size in bytes."""
        path = self._path(key)
        size = self._write(path, source)
        with _away(key):
            _sync_folder(path.parent)
        return size

    def read(self, key: str, start: int, length: int) -> bytes:
        """Bytes ``start`` to ``start + length``, fewer when the file ends before."""
        with self._open(key) as file:
            file.seek(start)
            return file.read(length)

    def size(self, key: str) -> int:
        """Size in bytes."""
        with self._open(key) as file:
            return file.seek(0, os.SEEK_END)

    def delete(self, key: str) -> None:
        """Remove the file; it may be gone already."""
        with _away(key), suppress(*_NO_FILE):
            self._path(key).unlink()

    def keys(self, prefix: str) -> list[str]:
        """The keys that start with ``prefix``, sorted; only the folder it names is searched."""
        if not is_prefix(prefix):
            return []
        with _away(prefix):
            self._incoming.stat()
        found = (
            Path(folder, name).relative_to(self._root).as_posix()
            for folder, _, names in os.walk(self._root / prefix.rpartition("/")[0])
            for name in names
        )
        return sorted(key for key in found if key.startswith(prefix) and is_key(key))

    def url(self, key: str) -> str:
        """The ``file://`` address."""
        return self._path(key).as_uri()

    def _path(self, key: str) -> Path:
        return self._root / checked(key)

    @contextmanager
    def _open(self, key: str) -> Iterator[IO[bytes]]:
        path = self._path(key)
        try:
            with path.open("rb") as file:
                yield file
        except _NO_FILE as error:
            there = self._incoming.is_dir()  # else the whole disk is away, not this object
            code = Code.OBJECT_MISSING if there else Code.STORE_AWAY
            raise StreamappError(code, f"{path}: {error.strerror}") from error
        except OSError as error:
            raise StreamappError(Code.STORE_AWAY, f"{path}: {error.strerror}") from error

    def _write(self, path: Path, source: Source) -> int:
        with _away(path):
            temporary, file = self._create()
        try:
            with file:
                while piece := source.read(PIECE_BYTES):
                    with _away(path):
                        _write_all(file, piece)
                with _away(path):
                    os.fdatasync(file.fileno())
                    path.parent.mkdir(parents=True, exist_ok=True)
                    temporary.replace(path)
                return file.tell()
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _create(self) -> tuple[Path, FileIO]:
        """A new temporary file, open and locked."""
        while True:
            temporary = self._incoming / uuid4().hex
            file = temporary.open("xb", buffering=0)
            fcntl.flock(file, fcntl.LOCK_SH)
            # Between the two, somebody's prepare may have taken it for a leftover and removed it.
            if os.fstat(file.fileno()).st_nlink:
                return temporary, file
            file.close()


_NO_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


@contextmanager
def _away(where: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StreamappError(Code.STORE_AWAY, f"{where}: {error.strerror}") from error


def _write_all(file: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
