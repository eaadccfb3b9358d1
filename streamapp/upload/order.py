"""What a client says of the photos it brings, by whichever way: form, address, header or JSON."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from streamapp.errors import Code, StreamappError
from streamapp.upload import fields
from streamapp.upload.batch_ids import batch_id_of_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Headers

IDEMPOTENCY_HEADER = "Idempotency-Key"
QUERY_FIELDS_MAX = 32


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The checked fields.

    ``batch`` is the open batch that the photos join, ``""`` for a new one. ``request`` tells a
    repetition of the same request: a digest of the project, the batch joined and the
    ``Idempotency-Key``, ``""`` without one.
    """

    project: str
    priority: int = fields.PRIORITY_DEFAULT
    external_id: str = ""
    webhook_url: str = ""
    batch: str = ""
    request: str = ""

    @property
    def new_batch(self) -> str:
        """Id of the batch that a request with a key opens, ``""`` when any will do."""
        return batch_id_of_request(self.request) if self.request else ""


def read_order(values: Mapping[str, str], key: str) -> Order:
    """The order of ``values`` (``projectId``, ``priority``, ``externalId`` and such fields).

    ``key`` is the request's `idempotency_key`, ``""`` for none.

    Raises:
        StreamappError: ``FIELD_MISSING`` without a project; ``FIELD_INVALID``.
    """
    if "projectId" not in values:
        raise StreamappError(Code.FIELD_MISSING, "projectId")
    project = fields.project(values["projectId"])
    batch = fields.batch(values.get("batchId", ""))
    return Order(
        project=project,
        priority=fields.priority(values.get("priority", str(fields.PRIORITY_DEFAULT))),
        external_id=fields.external_id(values.get("externalId", "")),
        webhook_url=fields.webhook_url(values.get("webhookUrl", "")),
        batch=batch,
        request=_request(project, batch, fields.idempotency_key(key)),
    )


def query_values(query: bytes) -> dict[str, str]:
    """The fields of an address, each of which may be given once, in UTF-8.

    Raises:
        StreamappError: ``FIELD_INVALID``.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError:
        raise StreamappError(Code.FIELD_INVALID, "the query is not UTF-8, or too long") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise StreamappError(Code.FIELD_INVALID, "a field of the query was given twice")
    return values


def idempotency_key(headers: Headers) -> str:
    """The ``Idempotency-Key`` of a request, ``""`` without one.

    Raises:
        StreamappError: ``FIELD_INVALID``, for two of them, or one that is not UTF-8.
    """
    given = headers.getlist(IDEMPOTENCY_HEADER)
    if len(given) > 1:
        raise StreamappError(Code.FIELD_INVALID, f"{IDEMPOTENCY_HEADER} was given twice")
    try:
        return given[0].encode("latin-1").decode() if given else ""
    except UnicodeDecodeError:
        raise StreamappError(Code.FIELD_INVALID, f"{IDEMPOTENCY_HEADER} is not UTF-8") from None


def _request(project: str, batch: str, key: str) -> str:
    return sha256(f"{project}\0{batch}\0{key}".encode()).hexdigest() if key else ""
