"""What the ways in say of themselves: their fields, and their operations."""

from __future__ import annotations

from typing import Any

from streamapp.errors import Code
from streamapp.upload import fields
from streamapp.upload.operations import (
    JSON,
    OF_ARCHIVE,
    OF_INTAKE,
    Operation,
    Parameter,
    Taken,
    json,
)
from streamapp.upload.order import IDEMPOTENCY_HEADER
from streamapp.upload.selection import KEY_CHARACTERS_MAX, PREFIXES_MAX
from streamapp.webhook_settings import URL_PATTERN

FORM = "multipart/form-data"
ZIP = "application/zip"

_PROJECT = {"type": "string", "minLength": 1, "maxLength": fields.PROJECT_CHARACTERS_MAX}
_PRIORITY = {"type": "integer", "minimum": 1, "maximum": 10, "default": fields.PRIORITY_DEFAULT}
_FIELDS: dict[str, dict[str, Any]] = {
    "projectId": _PROJECT | {"description": "Whose photos they are."},
    "priority": _PRIORITY | {"description": "1 is the most urgent."},
    "externalId": {
        "type": "string",
        "maxLength": fields.EXTERNAL_ID_CHARACTERS_MAX,
        "description": "The client's own name for the batch.",
    },
    "webhookUrl": {
        "type": "string",
        "pattern": URL_PATTERN,
        "description": "Who is told of the ends of a new batch, by signed webhooks.",
    },
    "batchId": {"type": "string", "description": "A batch to add to, instead of a new one."},
}
_FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
_KEY = {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS_MAX}

IDEMPOTENCY = Parameter(
    IDEMPOTENCY_HEADER,
    {"type": "string", "maxLength": fields.KEY_CHARACTERS_MAX},
    "The same request gives the same batch, however often it is sent.",
    "header",
)
QUERY = tuple(
    Parameter(name, schema, schema["description"], required=name == "projectId")
    for name, schema in _FIELDS.items()
)


def _members(required: tuple[str, ...] = (), **own: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": own | _FIELDS,
        "required": [*required, "projectId"],
    }


_TAKEN = {200: json(Taken, "The photos are taken in.")}

ZIP_AS_FORM = Operation(
    "Upload a ZIP as a form",
    _TAKEN,
    "The fields may come before or after the file.",
    (IDEMPOTENCY,),
    {FORM: _members(("file",), file=_FILE)},
    (*OF_INTAKE, *OF_ARCHIVE, Code.BODY_NOT_MULTIPART),
)
ZIP_AS_BODY = Operation(
    "Upload a ZIP as the body",
    _TAKEN,
    "As of `curl -T`.",
    (*QUERY, IDEMPOTENCY),
    {ZIP: {}},
    (*OF_INTAKE, *OF_ARCHIVE),
)
ZIP_OF_STORE = Operation(
    "Take a ZIP that lies in the object store",
    _TAKEN,
    "Nothing is copied.",
    (IDEMPOTENCY,),
    {JSON: _members(("key",), key=_KEY)},
    (*OF_INTAKE, *OF_ARCHIVE, Code.BODY_NOT_JSON, Code.KEY_FORBIDDEN, Code.OBJECT_MISSING),
)
IMAGES = Operation(
    "Bring photos without an archive",
    _TAKEN,
    "As files of a form, or as the keys or prefixes of objects in the store.",
    (IDEMPOTENCY,),
    {
        FORM: _members(("images",), images={"type": "array", "minItems": 1, "items": _FILE}),
        JSON: _members(
            keys={"type": "array", "items": _KEY},
            prefix={"type": "string", "maxLength": KEY_CHARACTERS_MAX},
            prefixes={
                "type": "array",
                "maxItems": PREFIXES_MAX,
                "items": {"type": "string", "maxLength": KEY_CHARACTERS_MAX},
            },
        ),
    },
    (
        *OF_INTAKE,
        *OF_ARCHIVE,
        Code.BODY_NOT_MULTIPART,
        Code.BODY_NOT_JSON,
        Code.KEY_FORBIDDEN,
        Code.OBJECT_MISSING,
    ),
)
