"""The extra field of a header: a list of ``id, length, data`` (APPNOTE 4.5.1)."""

from __future__ import annotations

from struct import Struct

ZIP64_ID = 0x0001
UNICODE_PATH_ID = 0x7075

_FIELD = Struct("<HH")


def extra_field(extra: bytes, field_id: int) -> bytes | None:
    """The data of the first field with ``field_id``, None without one.

    Padding and a field that runs past the end are passed over, as unzippers do: writers pad.
    """
    at = 0
    while at + _FIELD.size <= len(extra):
        found_id, length = _FIELD.unpack_from(extra, at)
        at += _FIELD.size
        if found_id == field_id and at + length <= len(extra):
            return extra[at : at + length]
        at += length
    return None
