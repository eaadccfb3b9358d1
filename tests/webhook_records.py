"""Rows of webhooks as the tests write them."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.records.outbox import Webhook


def a_webhook(webhook_id: str = "msg_1", **changes: Any) -> Webhook:
    row = Webhook(
        id=webhook_id,
        batch_id="batch-1",
        event_type="batch.completed",
        url="https://example.com/hook?a=b",
        payload='{"type":"batch.completed"}',
        due_since=1_700_000_000.5,
        next_at=1_700_000_000.5,
    )
    return msgspec.structs.replace(row, **changes)
