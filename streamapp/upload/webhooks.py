"""The addresses by which the webhooks of a batch are looked at, and sent again."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import Route

from streamapp.errors import Code, StreamappError
from streamapp.upload.answers import json_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from connectors.records.outbox import Webhook
    from streamapp.upload.rows import Rows


def webhook_routes(rows: Rows, clock: Callable[[], float]) -> list[Route]:
    """The log of deliveries, and the resend."""

    async def show(request: Request) -> Response:
        batch = request.path_params["batch"]
        found = await (await rows.of(batch)).webhooks(batch)
        return json_answer({"success": True, "webhooks": [shown(each) for each in found]})

    async def resend(request: Request) -> Response:
        batch, webhook = request.path_params["batch"], request.path_params["webhook"]
        if not await (await rows.of(batch)).resend_webhook(batch, webhook, clock()):
            raise StreamappError(Code.WEBHOOK_UNKNOWN)
        return json_answer({"success": True, "webhookId": webhook}, HTTPStatus.ACCEPTED)

    return [
        Route("/api/batch/{batch}/webhooks", show),
        Route("/api/batch/{batch}/webhooks/{webhook}/resend", resend, methods=["POST"]),
    ]


def shown(webhook: Webhook) -> dict[str, Any]:
    """A message as the API shows it.

    ``url`` is the batch's own, or null for that of all batches, which may hold a secret.
    """
    return {
        "id": webhook.id,
        "type": webhook.event_type,
        "url": webhook.url or None,
        "state": webhook.state,
        "nextAt": webhook.next_at if webhook.state == "due" else None,
        "payload": msgspec.Raw(webhook.payload.encode()),
        "attempts": [
            {
                "at": each.at,
                "seconds": each.seconds,
                "status": each.status,
                "fault": each.fault or None,
            }
            for each in webhook.attempts
        ],
    }
