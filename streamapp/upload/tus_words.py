"""What the addresses of resumable uploads say of themselves; the protocol is tus 1.0.0."""

from __future__ import annotations

from streamapp.errors import Code
from streamapp.upload.intake_words import IDEMPOTENCY
from streamapp.upload.operations import (
    NUMBER_HEADER,
    OF_ARCHIVE,
    OF_INTAKE,
    Answer,
    Operation,
    Parameter,
)

_VERSION = Parameter(
    "Tus-Resumable", {"type": "string", "enum": ["1.0.0"]}, "The protocol.", "header", required=True
)
_LENGTH = Parameter(
    "Upload-Length", NUMBER_HEADER, "Bytes of the whole file.", "header", required=True
)
_METADATA = Parameter(
    "Upload-Metadata",
    {"type": "string"},
    "`filename`, `projectId` and the other fields, each with its value in base64.",
    "header",
)
_OFFSET = Parameter(
    "Upload-Offset", NUMBER_HEADER, "Where the body goes on.", "header", required=True
)
_CHECKSUM = Parameter(
    "Upload-Checksum", {"type": "string"}, "Algorithm and checksum of the body.", "header"
)
_BODY = {"application/offset+octet-stream": {"type": "string", "format": "binary"}}
_TOLD = {
    "Upload-Offset": "How many bytes are stored.",
    "Streamapp-Batch-Id": "The batch that the photos are of.",
}
_OF_ALL = (
    *OF_INTAKE,
    *OF_ARCHIVE,
    Code.TUS_VERSION,
    Code.METHOD_NOT_ALLOWED,
    Code.UPLOAD_UNKNOWN,
    Code.UPLOAD_EXPIRED,
    Code.UPLOAD_LOCKED,
    Code.UPLOAD_OFFSET,
    Code.UPLOAD_CHECKSUM,
    Code.BODY_NOT_OFFSET,
    Code.LENGTH_MISSING,
)
_CAPABILITIES = Operation(
    "What the server can do",
    {204: Answer("As headers.", headers={"Tus-Extension": "The extensions."})},
)

COLLECTION = {
    "OPTIONS": _CAPABILITIES,
    "POST": Operation(
        "Begin a resumable upload",
        {201: Answer("It has an address.", headers={"Location": "Its address.", **_TOLD})},
        "A first piece may come with it.",
        (_VERSION, _LENGTH, _METADATA, IDEMPOTENCY, _CHECKSUM),
        _BODY,
        _OF_ALL,
    ),
}
UPLOAD = {
    "OPTIONS": _CAPABILITIES,
    "HEAD": Operation(
        "How far an upload is",
        {200: Answer("As headers.", headers=_TOLD)},
        parameters=(_VERSION,),
        refusals=_OF_ALL,
    ),
    "PATCH": Operation(
        "Go on with an upload",
        {204: Answer("The piece is stored.", headers=_TOLD)},
        "The last piece makes a batch of it.",
        (_VERSION, _OFFSET, _CHECKSUM),
        _BODY,
        _OF_ALL,
    ),
    "DELETE": Operation(
        "Give an upload up",
        {204: Answer("Nothing of it remains.")},
        parameters=(_VERSION,),
        refusals=_OF_ALL,
    ),
}
