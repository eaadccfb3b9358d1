"""What makes one entry unusable as a photo, on its own: it fails and the others go on."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import msgspec

from streamapp.archive.methods import METHODS, STORED
from streamapp.archive.names import path_fault
from streamapp.errors import Code

if TYPE_CHECKING:
    from streamapp.archive.directory import RawEntry

_MIB = 1 << 20
_ENCRYPTED = 0x2041  # flag bits 0, 6, 13: APPNOTE 4.4.4
_AES = 99  # APPNOTE 4.4.5: in the place of the method, which the extra field tells


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive may hold.

    ``ratio_max`` is inflated over compressed size of one photo, ``archive_ratio_max`` of all
    photos together over the archive's size. ``name_bytes_max`` limits a name in UTF-8 (1,024
    characters are the most in any case). With
    ``nested``, the photos of archives within the archive are its own.
    """

    entries_max: int = 1_000_000
    photo_compressed_bytes_max: int = 64 * _MIB
    photo_bytes_max: int = 128 * _MIB
    ratio_max: int = 250
    archive_ratio_max: int = 100
    name_bytes_max: int = 1024
    nested: bool = False


def entry_fault(raw: RawEntry, limits: Limits) -> tuple[Code, str] | None:
    """The first thing wrong with an entry, with its particulars; None for a sound one."""
    if fault := path_fault(raw.name, limits.name_bytes_max):
        return Code.ENTRY_PATH, fault
    if raw.file_type not in (0, stat.S_IFREG):
        return Code.ENTRY_NOT_A_FILE, ""
    if is_encrypted(raw.flags, raw.method):
        return Code.ENTRY_ENCRYPTED, ""
    if raw.method not in METHODS:
        return Code.ENTRY_METHOD, f"method {raw.method}"
    return _size_fault(raw.method, raw.compressed_bytes, raw.photo_bytes, limits)


def is_encrypted(flags: int, method: int) -> bool:
    """Traditional, strong or AES encryption, or an encrypted directory's masked values."""
    return flags & _ENCRYPTED != 0 or method == _AES


def _size_fault(
    method: int, compressed_bytes: int, photo_bytes: int, limits: Limits
) -> tuple[Code, str] | None:
    """What in its declared sizes makes it unusable."""
    if (
        compressed_bytes > limits.photo_compressed_bytes_max
        or photo_bytes > limits.photo_bytes_max
        or photo_bytes > limits.ratio_max * compressed_bytes
    ):
        return Code.ENTRY_TOO_LARGE, f"{compressed_bytes} bytes, {photo_bytes} inflated"
    if method == STORED and compressed_bytes != photo_bytes:
        return Code.ENTRY_BROKEN, f"stored, but {compressed_bytes} bytes, {photo_bytes} inflated"
    return None
