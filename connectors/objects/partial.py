"""Objects that come in parts, as files: the parts lie one behind the other in one file.

Making them an object is a rename, whatever the size. Beside the file lies its mark: how many
bytes of it are whole. The mark moves only after the bytes are synced, so a part that a kill or a
power cut tore does not count. Both are named after the key's hash and the token, so that all of a
key are found. Every change holds the file's lock: a writer that was overtaken by the join, or by
another writer of the same bytes, spoils nothing.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import uuid4

from connectors.objects.disk import missing, sync_folder, write_all
from connectors.objects.interface import PART_BYTES
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

    from connectors.objects.incoming import Incoming


class Partial:
    """The ``folder`` of unfinished objects; marks are written through ``incoming``."""

    def __init__(self, folder: Path, incoming: Incoming) -> None:
        self._folder = folder
        self._incoming = incoming

    def begin(self, key: str) -> str:
        """Make the file and its mark, and return the token."""
        token = uuid4().hex
        path = self._path(key, token)
        with missing(key, path, witness=self._incoming.folder):
            self._incoming.folder.stat()  # a disk that is away is not begun anew
            self._folder.mkdir(exist_ok=True)
            self._mark(path, 0)
            path.touch(exist_ok=False)
            sync_folder(self._folder)
        return token

    def put(self, key: str, token: str, number: int, data: bytes) -> None:
        """Write and sync part ``number``, then move the mark."""
        path = self._path(key, token)
        with self._locked(key, path) as file:
            whole = _whole(path)
            file.seek((number - 1) * PART_BYTES)
            write_all(file, data)
            os.fdatasync(file.fileno())
            if number >= _parts(whole):
                self._mark(path, file.tell())

    def count(self, key: str, token: str) -> int:
        """The number of whole parts."""
        path = self._path(key, token)
        with missing(key, path, witness=self._incoming.folder):
            path.stat()
            return _parts(_whole(path))

    def join(self, key: str, token: str, to: Path) -> None:
        """Give the file its name, and drop the mark."""
        path = self._path(key, token)
        with self._locked(key, path) as file:
            file.truncate(_whole(path))
            os.fsync(file.fileno())
            to.parent.mkdir(parents=True, exist_ok=True)
            path.replace(to)
            sync_folder(to.parent)
            _mark_of(path).unlink()

    def drop(self, key: str) -> None:
        """Remove all of ``key``."""
        with missing(key, self._folder, witness=self._incoming.folder):
            for path in sorted(self._folder.glob(f"{_digest(key)}-*")):  # a file before its mark
                with suppress(FileNotFoundError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    path.unlink()

    def _path(self, key: str, token: str) -> Path:
        if not token.isalnum():
            raise StreamappError(Code.OBJECT_MISSING, f"not a token: {token[:100]!r}")
        return self._folder / f"{_digest(key)}-{token}"

    @contextmanager
    def _locked(self, key: str, path: Path) -> Iterator[FileIO]:
        with (
            missing(key, path, witness=self._incoming.folder),
            path.open("r+b", buffering=0) as file,
        ):
            fcntl.flock(file, fcntl.LOCK_EX)
            path.stat()  # it may have been joined or dropped before the lock was had
            yield file

    def _mark(self, path: Path, whole: int) -> None:
        self._incoming.write(_mark_of(path), BytesIO(b"%d" % whole))
        sync_folder(self._folder)


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _mark_of(path: Path) -> Path:
    return path.with_suffix(".whole")


def _whole(path: Path) -> int:
    return int(_mark_of(path).read_bytes())


def _parts(whole: int) -> int:
    return -(-whole // PART_BYTES)
