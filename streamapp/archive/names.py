"""What an entry's name says: how it is decoded, what it must not be, what it promises.

Names label rows and events, nothing more: no file, object key or address is made from one. Path
tricks are refused all the same, since whoever reads the names later may be less careful.
"""

from __future__ import annotations

import re
from array import array
from hashlib import blake2b
from zlib import crc32

from streamapp.archive.extra import UNICODE_PATH_ID, extra_field

NAME_CHARACTERS_MAX = 1024

_UNICODE_PATH_VERSION = 1
_PHOTO_EXTENSION = re.compile(
    "avif|bmp|dib|gif|hei[cf]|j2k|jfif|jp2|jpe|jpe?g|png|tiff?|webp", re.IGNORECASE
)
_DRIVE = re.compile(r"[A-Za-z]:")
_CLUTTER_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_CLUTTER_FOLDER = "__MACOSX"


def decode_name(raw: bytes, extra: bytes) -> str:
    """The name: Info-ZIP's Unicode path when it belongs to ``raw``, else UTF-8, else CP437.

    UTF-8 is tried whatever flag bit 11 says, because macOS writes UTF-8 without it and a CP437
    name with letters beyond ASCII is hardly ever valid UTF-8. Never fails.
    """
    field = extra_field(extra, UNICODE_PATH_ID) if b"up" in extra else None
    if field and field[0] == _UNICODE_PATH_VERSION and field[1:5] == _crc(raw):
        raw = field[5:]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _crc(raw: bytes) -> bytes:
    return crc32(raw).to_bytes(4, "little")


def is_clutter(name: str) -> bool:
    """A directory, or what desktop systems leave in folders: no photo and no failure."""
    *folders, last = name.split("/")
    return (
        not last
        or last.startswith("._")
        or last.lower() in _CLUTTER_NAMES
        or _CLUTTER_FOLDER in folders
    )


def could_be_photo(name: str) -> bool:
    """Whether the extension is a photo's or missing; ``index.html`` promises no photo."""
    _, dot, extension = name.rpartition("/")[2].rpartition(".")
    return not dot or _PHOTO_EXTENSION.fullmatch(extension) is not None


def path_fault(name: str) -> str:
    """Why the name is not a plain relative path with ``/``, ``""`` when it is."""
    if len(name) > NAME_CHARACTERS_MAX:
        return f"longer than {NAME_CHARACTERS_MAX} characters"
    if "\0" in name or "\\" in name:
        return "a NUL or a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "an absolute path"
    if ".." in name.split("/"):
        return "a path to a parent folder"
    return ""


class NameSet:
    """The names seen so far as 64-bit hashes, 16 to 32 bytes a name (a ``set``: over 100).

    Two different names are taken for one with a chance of 3 in 10^8 for a whole archive of a
    million names, and then in every pass alike. The place in the table comes from Python's own
    hash, which is secret to the process, so that chosen names cannot crowd one place.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 << 10))
        self._count = 0

    def add(self, name: str) -> bool:
        """Put ``name`` in; False when it was there."""
        digest = blake2b(name.encode(), digest_size=8).digest()
        if not self._put(int.from_bytes(digest) or 1):
            return False
        self._count += 1
        if 2 * self._count > len(self._slots):
            self._grow()
        return True

    def _put(self, value: int) -> bool:
        slots, mask = self._slots, len(self._slots) - 1
        slot = hash(value.to_bytes(8)) & mask
        while slots[slot]:
            if slots[slot] == value:
                return False
            slot = (slot + 1) & mask
        slots[slot] = value
        return True

    def _grow(self) -> None:
        full, self._slots = self._slots, array("Q", bytes(16 * len(self._slots)))
        for value in filter(None, full):
            self._put(value)
