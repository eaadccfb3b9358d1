"""What can be the key of an object, the same for every store.

The product derives its keys itself, but a batch's name can come from a request's path, and a
folder must never be left through it. A key that no object can have is answered like an object
that is not there.
"""

from __future__ import annotations

from streamapp.errors import Code, StreamappError

KEY_BYTES_MAX = 1024
NAME_BYTES_MAX = 255


def checked(key: str) -> str:
    """``key`` itself when `is_key`.

    Raises:
        StreamappError: ``OBJECT_MISSING``, since no object can be there.
    """
    if not is_key(key):
        raise StreamappError(Code.OBJECT_MISSING, f"not a key: {key[:100]!r}")
    return key


def is_key(key: str) -> bool:
    """Whether ``key`` is ``/``-separated printable names, none empty or starting with a dot.

    The bounds are S3's for a key (1024 bytes of UTF-8) and the file system's for a name (255).
    """
    return all(map(_is_name, key.split("/"))) and len(key.encode()) <= KEY_BYTES_MAX


def is_prefix(prefix: str) -> bool:
    """Whether some key can start with ``prefix``."""
    above, slash, name = prefix.rpartition("/")
    return (not slash or is_key(above)) and (not name or _is_name(name))


def _is_name(name: str) -> bool:
    plain = name.isprintable() and not name.startswith(".")
    return plain and 0 < len(name.encode()) <= NAME_BYTES_MAX
