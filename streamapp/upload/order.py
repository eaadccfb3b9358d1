"""What a client says of the photos it brings, by whichever way: form, address, header or JSON."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from streamapp.errors import Code, StreamappError
from streamapp.upload import fields
from streamapp.upload.batch_ids import batch_id_of_request

if TYPE_CHECKING:
    from collections.abc import Mapping

IDEMPOTENCY_HEADER = "Idempotency-Key"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The checked fields.

    ``batch`` is the open batch that the photos join, ``""`` for a new one. ``request`` tells a
    repetition of the same request: a digest of the project and the ``Idempotency-Key``, ``""``
    without one.
    """

    project: str
    priority: int = fields.PRIORITY_DEFAULT
    external_id: str = ""
    batch: str = ""
    request: str = ""

    @property
    def new_batch(self) -> str:
        """Id of the batch that a request with a key opens, ``""`` when any will do."""
        return batch_id_of_request(self.request) if self.request else ""


def read_order(values: Mapping[str, str], idempotency_key: str | None) -> Order:
    """The order of ``values`` (``projectId``, ``priority``, ``externalId``, ``batchId``).

    Raises:
        StreamappError: ``FIELD_MISSING`` without a project; ``FIELD_INVALID``.
    """
    if "projectId" not in values:
        raise StreamappError(Code.FIELD_MISSING, "projectId")
    project = fields.project(values["projectId"])
    return Order(
        project=project,
        priority=fields.priority(values.get("priority", str(fields.PRIORITY_DEFAULT))),
        external_id=fields.external_id(values.get("externalId", "")),
        batch=fields.batch(values.get("batchId", "")),
        request=_request(project, fields.idempotency_key(idempotency_key or "")),
    )


def _request(project: str, key: str) -> str:
    return sha256(f"{project}\0{key}".encode()).hexdigest() if key else ""
