"""The outbox of webhooks, in SQL that MySQL and SQLite read alike; ``?`` marks a parameter.

Nobody holds a lock while a message is under way. Who claims one moves its ``next_at`` to when it
is due again if nothing is heard of it, and counts its ``claims`` up; whoever saw another count
comes too late.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from msgspec import structs

from connectors.records.columns import moment, text, to_time
from connectors.records.outbox import ATTEMPTS_MAX, Delivery, Webhook

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLUMNS = Webhook.__struct_fields__
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM webhooks"  # noqa: S608 - our own column names
_PLACES = ", ".join("?" * len(_COLUMNS))
_ADD = f"INSERT INTO webhooks ({', '.join(_COLUMNS)}) VALUES ({_PLACES})"  # noqa: S608 - ours
_DUE = f"{_SELECT} WHERE state = 'due' AND next_at <= ? ORDER BY next_at LIMIT ?"
_CLAIM = (
    "UPDATE webhooks SET claims = claims + 1, next_at = ? "
    "WHERE id = ? AND claims = ? AND state = 'due'"
)
_SETTLE = "UPDATE webhooks SET state = ?, next_at = ?, attempts = ? WHERE id = ? AND claims = ?"
_RESEND = (
    "UPDATE webhooks SET state = 'due', due_since = ?, next_at = ?, claims = claims + 1 "
    "WHERE batch_id = ? AND id = ?"
)
_OF_BATCH = f"{_SELECT} WHERE batch_id = ? ORDER BY created_at, id"
_COUNT = "SELECT COUNT(*) FROM webhooks WHERE state = 'due'"

URL_CHARACTERS_MAX = 1024

_decode_attempts = msgspec.json.Decoder(tuple[Delivery, ...]).decode


class WebhookRows(ABC):
    """A `WebhookOutbox`."""

    _unless_there: ClassVar[str]
    """The end of an INSERT that leaves a row alone whose id is there."""

    @abstractmethod
    async def _select(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the statement finds."""

    @abstractmethod
    async def _change(self, sql: str, *parameters: Any) -> int:
        """Run a statement that changes rows; how many."""

    async def add_webhooks(self, webhooks: Sequence[Webhook]) -> None:
        """Have them sent, see `WebhookOutbox.add_webhooks`."""
        for webhook in webhooks:
            await self._change(f"{_ADD} {self._unless_there}", *_to_values(webhook))

    async def claim_webhooks(self, *, now: float, until: float, limit: int) -> list[Webhook]:
        """The caller's until then, see `WebhookOutbox.claim_webhooks`."""
        due = [_to_webhook(row) for row in await self._select(_DUE, moment(now), limit)]
        return [
            structs.replace(each, claims=each.claims + 1, next_at=until)
            for each in due
            if await self._change(_CLAIM, moment(until), each.id, each.claims)
        ]

    async def settle_webhook(self, webhook: Webhook) -> bool:
        """Write what became of it, see `WebhookOutbox.settle_webhook`."""
        values = _to_values(webhook)
        state, next_at, attempts = (
            values[_COLUMNS.index(column)] for column in ("state", "next_at", "attempts")
        )
        settled = (state, next_at, attempts, webhook.id, webhook.claims)
        return bool(await self._change(_SETTLE, *settled))

    async def resend_webhook(self, batch: str, webhook_id: str, now: float) -> bool:
        """Make it due as at first."""
        at = moment(now)
        return bool(await self._change(_RESEND, at, at, text(batch), text(webhook_id)))

    async def webhooks(self, batch: str) -> list[Webhook]:
        """All of a batch, oldest first."""
        return [_to_webhook(row) for row in await self._select(_OF_BATCH, text(batch))]

    async def webhooks_due(self) -> int:
        """How many are due, now or later."""
        return int((await self._select(_COUNT))[0][0])


def _to_values(webhook: Webhook) -> tuple[Any, ...]:
    row = structs.asdict(webhook) | {
        "url": text(webhook.url, URL_CHARACTERS_MAX),
        "due_since": moment(webhook.due_since),
        "next_at": moment(webhook.next_at),
        "attempts": msgspec.json.encode(webhook.attempts[-ATTEMPTS_MAX:]).decode(),
    }
    return tuple(row.values())


def _to_webhook(values: Sequence[Any]) -> Webhook:
    row = dict(zip(_COLUMNS, values, strict=True))
    return Webhook(
        **row
        | {
            "due_since": to_time(row["due_since"]),
            "next_at": to_time(row["next_at"]),
            "attempts": _decode_attempts(row["attempts"]),
        }
    )
