"""The edge between a file system and the catalogue of errors, and writing that lasts."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

NO_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


@contextmanager
def away(where: object) -> Iterator[None]:
    """Turn every fault of the disk in the block into ``STORE_AWAY``."""
    try:
        yield
    except OSError as error:
        raise StreamappError(Code.STORE_AWAY, f"{where}: {error.strerror}") from error


@contextmanager
def missing(key: str, path: Path, *, witness: Path) -> Iterator[None]:
    """Turn a missing file of ``key`` into ``OBJECT_MISSING``, if the folder ``witness`` is there.

    Without it the whole disk is away, not this file; that and every other fault is `away`.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, NO_FILE) and witness.is_dir():
            raise StreamappError(Code.OBJECT_MISSING, key) from error
        raise StreamappError(Code.STORE_AWAY, f"{path}: {error.strerror}") from error


def write_all(file: FileIO, piece: bytes | memoryview) -> None:
    """Write the whole ``piece`` where the file stands."""
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
