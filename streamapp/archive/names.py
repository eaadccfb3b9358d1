"""What an entry's name says: how it is decoded, what it must not be, what it promises.

Names label rows and events, nothing more: no file, object key or address is made from one. Path
tricks are refused all the same, since whoever reads the names later may be less careful.
"""

from __future__ import annotations

from zlib import crc32

from streamapp.archive.extra import UNICODE_PATH_ID, extra_field

NAME_CHARACTERS_MAX = 1024
"""What fits into every event and row; a longer name is cut (and its photo failed)."""

NESTED = "nested_archive"

_UNICODE_PATH_VERSION = 1
_PHOTO_EXTENSIONS = frozenset(
    {
        *("avif", "bmp", "dib", "gif", "heic", "heif", "j2k", "jfif", "jp2"),
        *("jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"),
    }
)
_ARCHIVE_EXTENSIONS = frozenset(
    {
        *("7z", "bz2", "cab", "cb7", "cbr", "cbt", "cbz", "gz", "lz4", "lzma"),
        *("rar", "tar", "tbz2", "tgz", "txz", "tzst", "xz", "zip", "zipx", "zst"),
    }
)
_CLUTTER_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_CLUTTER_EXTENSIONS = frozenset(name.rpartition(".")[2] for name in _CLUTTER_NAMES)


def decode_name(raw: bytes, extra: bytes) -> str:
    """The name: Info-ZIP's Unicode path when it belongs to ``raw``, else UTF-8, else CP437.

    UTF-8 is tried whatever flag bit 11 says, because macOS writes UTF-8 without it and a CP437
    name with letters beyond ASCII is hardly ever valid UTF-8. CP437 has a character for every
    byte, so a name in neither encoding is a label still, and different names stay different.
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


def skip_reason(name: str) -> str:
    """Why a name is passed over as neither photo nor failure, ``""`` when it is not.

    ``folder``; ``clutter``, which desktop systems leave in folders; ``nested_archive``.
    """
    last = name[name.rfind("/") + 1 :]
    if not last:
        return "folder"
    extension = _extension(last)
    if (
        last.startswith("._")
        or (extension in _CLUTTER_EXTENSIONS and last.lower() in _CLUTTER_NAMES)
        or ("__MACOSX/" in name and "/__MACOSX/" in f"/{name}")
    ):
        return "clutter"
    return NESTED if extension in _ARCHIVE_EXTENSIONS else ""


def can_be_opened(name: str) -> bool:
    """Whether the name is that of an archive of our own kind."""
    return name.lower().endswith(".zip")


def could_be_photo(name: str) -> bool:
    """Whether the extension is a photo's or missing; ``index.html`` promises no photo."""
    last = name[name.rfind("/") + 1 :]
    return "." not in last or _extension(last) in _PHOTO_EXTENSIONS


def _extension(last: str) -> str:
    return last[last.rfind(".") + 1 :].lower()


def path_fault(name: str, bytes_max: int) -> str:
    """Why the name is not a plain relative path with ``/``, ``""`` when it is.

    ``bytes_max`` limits it in UTF-8, of which a character takes 1 to 4 bytes.
    """
    if len(name) > NAME_CHARACTERS_MAX or (
        4 * len(name) > bytes_max and len(name.encode()) > bytes_max
    ):
        return f"longer than {NAME_CHARACTERS_MAX} characters or {bytes_max} bytes"
    return path_trick(name)


def path_trick(name: str) -> str:
    """What in the name leads out of a folder where it would be unpacked, ``""`` for nothing."""
    if "\0" in name or "\\" in name:
        return "a NUL or a backslash"
    if name[:1] == "/" or (name[1:2] == ":" and name[0].isascii() and name[0].isalpha()):
        return "an absolute path"
    if ".." in name and ".." in name.split("/"):
        return "a path to a parent folder"
    return ""
