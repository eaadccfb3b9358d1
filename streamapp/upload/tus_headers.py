"""The headers of tus: text in, a checked value or an error of the catalogue out."""

from __future__ import annotations

from base64 import b64decode

from streamapp.errors import Code, StreamappError

METADATA_CHARACTERS_MAX = 4096
_DIGITS_MAX = 15


def whole_number(name: str, text: str | None) -> int:
    """The number of bytes in the header ``name``; ``FIELD_INVALID`` without one."""
    if text and text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX:
        return int(text)
    raise StreamappError(Code.FIELD_INVALID, f"{name} must be a whole number")


def upload_length(text: str | None) -> int:
    """The length of an upload in bytes.

    Raises:
        StreamappError: ``LENGTH_MISSING`` (it cannot be told later), ``FIELD_INVALID``;
            ``ARCHIVE_EMPTY`` for nothing.
    """
    if text is None:
        raise StreamappError(Code.LENGTH_MISSING, "Upload-Length")
    length = whole_number("Upload-Length", text)
    if length == 0:
        raise StreamappError(Code.ARCHIVE_EMPTY)
    return length


def metadata(text: str) -> dict[str, str]:
    """The pairs of ``Upload-Metadata``: names, each with its value in base64 of UTF-8 or without.

    Raises:
        StreamappError: ``FIELD_INVALID``.
    """
    if len(text) > METADATA_CHARACTERS_MAX:
        raise StreamappError(
            Code.FIELD_INVALID, f"Upload-Metadata: at most {METADATA_CHARACTERS_MAX} characters"
        )
    pairs = [pair.strip().partition(" ") for pair in text.split(",")] if text.strip() else []
    try:
        values = {name: b64decode(value, validate=True).decode() for name, _, value in pairs}
    except ValueError:
        raise StreamappError(Code.FIELD_INVALID, "Upload-Metadata: base64 of UTF-8") from None
    if len(values) < len(pairs) or "" in values:
        raise StreamappError(Code.FIELD_INVALID, "Upload-Metadata: each name once, none empty")
    return values
