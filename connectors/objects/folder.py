"""Objects as files of a folder: the embedded default, nothing to start and easy to look into.

Guarantees: an object appears under its name whole or not at all, also after a power cut: it is
written and synced in ``.incoming`` of the same file system, then renamed. A streamed object's
folder is synced too, because its sender may now drop the original. What a killed writer leaves
behind is removed by the next `FolderStore.prepare`; what comes in parts waits in ``.partial``. A
disk that is full, gone or closed to us is ``STORE_AWAY`` with the reason.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import IO, TYPE_CHECKING

from connectors.objects.disk import NO_FILE, away, missing, sync_folder
from connectors.objects.incoming import Incoming
from connectors.objects.key import checked, is_prefix
from connectors.objects.partial import Partial
from connectors.objects.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.interface import Source, Stored


class FolderStore:
    """An `UploadStore` in the folder ``root``. Content types are not kept: files need none."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._incoming = Incoming(self._root / ".incoming")
        self._partial = Partial(self._root / ".partial", self._incoming)

    def prepare(self) -> None:
        """Make the folder, and remove what killed writers left."""
        self._incoming.prepare()

    def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - see class
        """Write the file; an existing one is replaced."""
        self._incoming.write(self._path(key), BytesIO(data))

    def put_new(self, key: str, data: bytes, content_type: str) -> bool:  # noqa: ARG002
        """Write the file and link it to its name, which fails for all but one."""
        return self._incoming.write_new(self._path(key), BytesIO(data))

    def put_stream(self, key: str, source: Source, content_type: str) -> int:  # noqa: ARG002
        """Write the file in pieces of 1 MiB and return its size in bytes."""
        path = self._path(key)
        size = self._incoming.write(path, source)
        with away(key):
            sync_folder(path.parent)
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
        with away(key), suppress(*NO_FILE):
            self._path(key).unlink()

    def keys(self, prefix: str) -> list[str]:
        """The keys that start with ``prefix``, sorted; only the folder it names is searched."""
        return [found.key for found in self.listing(prefix)]

    def listing(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """The objects under ``prefix`` behind ``after``, as `walk` finds them."""
        with away(prefix):
            self._incoming.folder.stat()
            if is_prefix(prefix):
                yield from walk(self._root, prefix, after)

    def begin_parts(self, key: str, content_type: str) -> str:  # noqa: ARG002 - see class
        """Begin an object that comes in parts; see `Partial`."""
        return self._partial.begin(checked(key))

    def put_part(self, key: str, token: str, number: int, data: bytes) -> None:
        """Write and sync part ``number``."""
        self._partial.put(key, token, number, data)

    def parts(self, key: str, token: str) -> int:
        """The number of whole parts."""
        return self._partial.count(key, token)

    def join_parts(self, key: str, token: str) -> None:
        """Make the parts the object, by a rename."""
        self._partial.join(key, token, self._path(key))

    def drop_parts(self, key: str) -> None:
        """Remove what there is of ``key``; a `put_stream`'s is the next `prepare`'s."""
        self._partial.drop(key)

    def url(self, key: str) -> str:
        """The ``file://`` address."""
        return self._path(key).as_uri()

    def _path(self, key: str) -> Path:
        return self._root / checked(key)

    @contextmanager
    def _open(self, key: str) -> Iterator[IO[bytes]]:
        path = self._path(key)
        with missing(key, path, witness=self._incoming.folder), path.open("rb") as file:
            yield file
