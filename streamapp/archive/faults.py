"""What makes one entry unusable as a photo, on its own: it fails and the others go on."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import msgspec

from streamapp.archive.inflate import METHODS, STORED
from streamapp.archive.names import path_fault
from streamapp.errors import Code

if TYPE_CHECKING:
    from streamapp.archive.directory import RawEntry

_MIB = 1 << 20
_ENCRYPTED = 0x2041  # flag bits 0, 6, 13: APPNOTE 4.4.4
_UNIX_SYSTEMS = (3, 19)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive may hold. ``ratio_max`` is inflated over compressed size of one photo."""

    entries_max: int = 1_000_000
    photo_compressed_bytes_max: int = 64 * _MIB
    photo_bytes_max: int = 128 * _MIB
    ratio_max: int = 250


def is_folder(raw: RawEntry) -> bool:
    """A directory by its attributes; its name may lack the slash."""
    return _file_type(raw) == stat.S_IFDIR


def entry_fault(raw: RawEntry, limits: Limits) -> tuple[Code, str] | None:
    """The first thing wrong with an entry, with its particulars; None for a sound one."""
    return _kind_fault(raw) or _size_fault(raw, limits)


def _file_type(raw: RawEntry) -> int:
    """The Unix file type, 0 when the entry does not say."""
    return stat.S_IFMT(raw.attributes >> 16) if raw.system in _UNIX_SYSTEMS else 0


def _kind_fault(raw: RawEntry) -> tuple[Code, str] | None:
    """What in its name or kind makes it unusable."""
    if path := path_fault(raw.name):
        return Code.ENTRY_PATH, path
    if _file_type(raw) not in (0, stat.S_IFREG):
        return Code.ENTRY_NOT_A_FILE, ""
    if raw.flags & _ENCRYPTED:
        return Code.ENTRY_ENCRYPTED, ""
    if raw.method not in METHODS:
        return Code.ENTRY_METHOD, f"method {raw.method}"
    return None


def _size_fault(raw: RawEntry, limits: Limits) -> tuple[Code, str] | None:
    """What in its declared sizes does."""
    sizes = f"{raw.compressed_bytes} bytes, {raw.photo_bytes} inflated"
    if (
        raw.compressed_bytes > limits.photo_compressed_bytes_max
        or raw.photo_bytes > limits.photo_bytes_max
        or raw.photo_bytes > limits.ratio_max * raw.compressed_bytes
    ):
        return Code.ENTRY_TOO_LARGE, sizes
    if raw.method == STORED and raw.compressed_bytes != raw.photo_bytes:
        return Code.ENTRY_BROKEN, f"stored, but {sizes}"
    return None
