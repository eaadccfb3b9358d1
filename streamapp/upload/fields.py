"""The rules of the form fields: text in, a checked value or ``FIELD_INVALID`` out."""

from __future__ import annotations

from streamapp.errors import Code, StreamappError
from streamapp.upload.batch_ids import is_batch_id
from streamapp.webhook_settings import is_url

PROJECT_CHARACTERS_MAX = 128
EXTERNAL_ID_CHARACTERS_MAX = 255
NAME_CHARACTERS_MAX = 255
KEY_CHARACTERS_MAX = 255
PRIORITY_DEFAULT = 5
PRIORITIES = range(1, 11)


def project(text: str) -> str:
    """The project's id: 1 to 128 printable characters, without the space around them."""
    value = text.strip(" ")
    if not value.isprintable() or not 1 <= len(value) <= PROJECT_CHARACTERS_MAX:
        raise StreamappError(
            Code.FIELD_INVALID,
            f"projectId must have 1 to {PROJECT_CHARACTERS_MAX} printable characters",
        )
    return value


def priority(text: str) -> int:
    """The priority: a whole number from 1 to 10."""
    digits = text.strip(" ")
    if digits.isascii() and digits.isdecimal() and len(digits) <= len("10"):
        value = int(digits)
        if value in PRIORITIES:
            return value
    raise StreamappError(
        Code.FIELD_INVALID,
        f"priority must be a whole number from {PRIORITIES[0]} to {PRIORITIES[-1]}",
    )


def external_id(text: str) -> str:
    """The client's own name for the batch, free text: at most 255 printable characters."""
    return _printable("externalId", text, EXTERNAL_ID_CHARACTERS_MAX)


def webhook_url(text: str) -> str:
    """The address that is told of the batch's end, ``""`` for none."""
    if text and not is_url(text):
        raise StreamappError(
            Code.FIELD_INVALID,
            "webhookUrl must be a plain http or https address of at most 900 characters",
        )
    return text


def idempotency_key(text: str) -> str:
    """The ``Idempotency-Key``: at most 255 printable characters, ``""`` when missing."""
    return _printable("Idempotency-Key", text, KEY_CHARACTERS_MAX)


def batch(text: str) -> str:
    """The id of the batch to join, ``""`` for none; ``BATCH_UNKNOWN`` when it cannot be one."""
    if text and not is_batch_id(text):
        raise StreamappError(Code.BATCH_UNKNOWN)
    return text


def file_name(text: str | None) -> str:
    """The archive's name for display: printable, at most 255 characters, ``""`` when missing."""
    printable = "".join(character for character in text or "" if character.isprintable())
    return printable[:NAME_CHARACTERS_MAX]


def _printable(field: str, text: str, characters_max: int) -> str:
    if not text.isprintable() or len(text) > characters_max:
        raise StreamappError(
            Code.FIELD_INVALID,
            f"{field} must have at most {characters_max} printable characters",
        )
    return text
