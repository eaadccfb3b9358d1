"""The files under a folder as keys in order, one folder's names in memory at a time.

The order is that of the keys' UTF-8, as S3 has it: a folder's place is that of its name with a
slash (``a.jpg`` before ``a/1.jpg`` before ``a0.jpg``). What vanishes meanwhile is left out.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from connectors.objects.disk import NO_FILE
from connectors.objects.interface import Stored
from connectors.objects.key import is_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def walk(root: Path, prefix: str, after: str, above: str = "") -> Iterator[Stored]:
    """The objects below ``root`` + ``above`` that `ObjectStore` listings ask for."""
    for name, entry in _entries(root / above):
        key = above + name
        if name.endswith("/"):
            if _may_hold(key, prefix, after):
                yield from walk(root, prefix, after, key)
        elif key.startswith(prefix) and key > after and is_key(key):
            try:
                stat = entry.stat()
            except NO_FILE:
                continue
            yield Stored(key, stat.st_size, stat.st_mtime)


def _entries(folder: Path) -> list[tuple[str, os.DirEntry[str]]]:
    """What lies in ``folder``, in order; folders end in a slash, hidden ones are ours alone."""
    try:
        with os.scandir(folder) as found:
            entries = [(f"{one.name}/" if one.is_dir() else one.name, one) for one in found]
    except NO_FILE:
        return []
    return sorted((name, one) for name, one in entries if not name.startswith("."))


def _may_hold(folder: str, prefix: str, after: str) -> bool:
    on_the_way = folder.startswith(prefix) or prefix.startswith(folder)
    return on_the_way and (folder > after or after.startswith(folder))
