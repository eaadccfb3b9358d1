"""The addresses by which the webhooks of a batch are looked at, and sent again."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import Route

from streamapp.errors import Code, StreamappError
from streamapp.upload.answers import json_answer
from streamapp.upload.batch_ids import is_batch_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from connectors.records.interface import RecordStore
    from connectors.records.outbox import Webhook
    from streamapp.upload.chain import Chain


def webhook_routes(records: RecordStore, chain: Chain, clock: Callable[[], float]) -> list[Route]:
    """The log of deliveries, and the resend."""

    async def of(batch: str) -> list[Webhook]:
        if is_batch_id(batch):
            await records.prepare()
            if found := await records.webhooks(batch):
                return found
            if await chain.link(batch):
                return []
        raise StreamappError(Code.BATCH_UNKNOWN)

    async def show(request: Request) -> Response:
        found = await of(request.path_params["batch"])
        return json_answer({"success": True, "webhooks": [shown(each) for each in found]})

    async def resend(request: Request) -> Response:
        batch, webhook = request.path_params["batch"], request.path_params["webhook"]
        await of(batch)
        if not await records.resend_webhook(batch, webhook, clock()):
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
