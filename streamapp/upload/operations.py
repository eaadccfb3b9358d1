"""What an address does, said next to it, for the OpenAPI document.

Every route of the uploader has its operations: ``@described(GET=Operation(...))`` on its endpoint,
by method. A schema is a type of ours, from which msgspec makes it, or JSON Schema (2020-12) itself.
A refusal is a `Code`; the document has its status and its sentence. What every address may answer
(``INTERNAL``) is not said again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import msgspec

from streamapp.errors import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = type | dict[str, Any]

JSON = "application/json"
ATTRIBUTE = "operations"
NUMBER_HEADER: dict[str, Any] = {"type": "string", "pattern": "^[0-9]+$"}
BINARY: dict[str, Any] = {}
"""Bytes; of a content type that is not JSON, as OpenAPI 3.1 says it."""

Endpoint = TypeVar("Endpoint", bound="Callable[..., Any]")


class Parameter(NamedTuple):
    """A value in the query or in a header."""

    name: str
    schema: dict[str, Any]
    description: str
    place: Literal["query", "header"] = "query"
    required: bool = False


class Answer(NamedTuple):
    """What is answered with a status: by content type, none for an empty body."""

    description: str
    content: Mapping[str, Schema] = {}
    headers: Mapping[str, str] = {}


class Operation(NamedTuple):
    """A method of an address."""

    summary: str
    answers: Mapping[int, Answer]
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    bodies: Mapping[str, Schema] = {}
    refusals: tuple[Code, ...] = ()


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused (RFC 9457). ``code`` is stable, the sentences are for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    success: Literal[False]


class Done(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was asked of the batch is durable."""

    success: Literal[True]
    batch_id: str


class Taken(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Photos are safe in the object store: ``imageCount`` of them by this request."""

    success: Literal[True]
    batch_id: str
    image_count: int
    queued: int


def described(**operations: Operation) -> Callable[[Endpoint], Endpoint]:
    """Say what an endpoint does, by method."""

    def said(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, ATTRIBUTE, operations)
        return endpoint

    return said


def json(schema: Schema, description: str, **headers: str) -> Answer:
    """An answer in JSON; ``headers`` with their meaning, their names written with ``_``."""
    named = {name.replace("_", "-"): meaning for name, meaning in headers.items()}
    return Answer(description, {JSON: schema}, named)


OF_BATCH = (Code.BATCH_UNKNOWN, Code.PROGRESS_AWAY, Code.STORE_AWAY)
"""What any address of a batch may answer."""

OF_BODY = (Code.BODY_BROKEN, Code.BODY_TOO_SLOW, Code.ARCHIVE_TOO_LARGE)
"""Of any body that is read."""

OF_JSON = (*OF_BODY, Code.BODY_NOT_JSON, Code.FIELD_MISSING, Code.FIELD_INVALID)

OF_INTAKE = (
    *OF_BODY,
    *OF_BATCH,
    Code.FIELD_MISSING,
    Code.FIELD_INVALID,
    Code.BATCH_CLOSED,
    Code.BATCH_FULL,
    Code.KEY_REUSED,
    Code.PROJECT_QUOTA,
    Code.UPLOADS_BUSY,
    Code.WEBHOOKS_OFF,
)
"""Of every way in."""

OF_ARCHIVE = (
    Code.ARCHIVE_NOT_ZIP,
    Code.ARCHIVE_BROKEN,
    Code.ARCHIVE_MULTI_DISK,
    Code.ARCHIVE_OVERLAP,
    Code.ARCHIVE_EMPTY,
    Code.ARCHIVE_NO_PHOTOS,
    Code.ARCHIVE_RATIO,
    Code.ARCHIVE_TOO_MANY_ENTRIES,
)
"""Of a ZIP that is judged."""
