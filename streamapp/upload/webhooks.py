"""The addresses by which the webhooks of a batch are looked at, and sent again."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from starlette.routing import Route

from connectors.records.outbox import WebhookState  # noqa: TC001 - msgspec makes a schema of it
from streamapp.errors import Code, StreamappError
from streamapp.upload.answers import json_answer
from streamapp.upload.operations import Operation, described, json

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from connectors.records.outbox import Webhook
    from streamapp.upload.rows import Rows


class AttemptView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When it was sent (Unix seconds), how long that took, the HTTP status or else the fault."""

    at: float
    seconds: float
    status: int | None
    fault: str | None


class WebhookView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message; ``url`` is the batch's own, or null for that of all batches."""

    id: str
    type: str
    url: str | None
    state: WebhookState
    next_at: float | None
    payload: dict[str, Any]
    attempts: list[AttemptView]


class WebhooksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The log of deliveries."""

    success: Literal[True] = True
    webhooks: list[WebhookView]


class ResendAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The message is due again."""

    success: Literal[True] = True
    webhook_id: str


_OF_ROWS = (Code.BATCH_UNKNOWN, Code.RECORDS_AWAY, Code.STORE_AWAY)
LIST_WEBHOOKS = Operation(
    "The webhooks of a batch",
    {200: json(WebhooksAnswer, "Oldest first, with the last attempts at each.")},
    refusals=_OF_ROWS,
)
RESEND = Operation(
    "Send a webhook again",
    {202: json(ResendAnswer, "It is due now, whatever became of it before.")},
    "It has the same id and content, and is tried for a day again.",
    refusals=(*_OF_ROWS, Code.WEBHOOK_UNKNOWN),
)


def webhook_routes(rows: Rows, clock: Callable[[], float]) -> list[Route]:
    """The log of deliveries, and the resend."""

    @described(GET=LIST_WEBHOOKS)
    async def show(request: Request) -> Response:
        batch = request.path_params["batch"]
        found = await (await rows.of(batch)).webhooks(batch)
        return json_answer(WebhooksAnswer(webhooks=[shown(each) for each in found]))

    @described(POST=RESEND)
    async def resend(request: Request) -> Response:
        batch, webhook = request.path_params["batch"], request.path_params["webhook"]
        if not await (await rows.of(batch)).resend_webhook(batch, webhook, clock()):
            raise StreamappError(Code.WEBHOOK_UNKNOWN)
        return json_answer(ResendAnswer(webhook_id=webhook), HTTPStatus.ACCEPTED)

    return [
        Route("/api/batch/{batch}/webhooks", show),
        Route("/api/batch/{batch}/webhooks/{webhook}/resend", resend, methods=["POST"]),
    ]


def shown(webhook: Webhook) -> WebhookView:
    """A message as the API shows it; the address of all batches may hold a secret."""
    return WebhookView(
        id=webhook.id,
        type=webhook.event_type,
        url=webhook.url or None,
        state=webhook.state,
        next_at=webhook.next_at if webhook.state == "due" else None,
        payload=msgspec.json.decode(webhook.payload),
        attempts=[
            AttemptView(
                at=each.at, seconds=each.seconds, status=each.status, fault=each.fault or None
            )
            for each in webhook.attempts
        ],
    )
