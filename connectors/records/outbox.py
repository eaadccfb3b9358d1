"""What the product asks of the outbox of webhooks: rows of ``webhooks``, a message each.

Several senders share it. One that claims a message has it until a time that it names; when it is
gone by then, the message is due again. Calls fail as those of `interface.RecordStore` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

ATTEMPTS_MAX = 40
"""Of a message that are kept, the last ones."""

WebhookState = Literal["due", "delivered", "failed"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt: when (Unix seconds), how long it took, the HTTP status or else the fault."""

    at: float
    seconds: float
    status: int | None = None
    fault: str = ""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A message to a receiver: its ``payload`` goes to ``url``, ``""`` for the setting's.

    It is ``due`` at ``next_at``, having become so at ``due_since`` (Unix seconds, to the
    microsecond), until it is ``delivered``, or ``failed`` for good. ``claims`` counts who took it
    in hand.
    """

    id: str
    batch_id: str
    event_type: str
    url: str = ""
    payload: str
    state: WebhookState = "due"
    due_since: float
    next_at: float
    claims: int = 0
    attempts: tuple[Delivery, ...] = ()


class WebhookOutbox(Protocol):
    """The messages that are to be sent, and what became of those that were."""

    async def add_webhooks(self, webhooks: Sequence[Webhook]) -> None:
        """Have them sent; one whose id is there is left as it is."""
        ...

    async def claim_webhooks(self, *, now: float, until: float, limit: int) -> list[Webhook]:
        """Up to ``limit`` messages that are due, the longest due first: the caller's ``until``."""
        ...

    async def settle_webhook(self, webhook: Webhook) -> bool:
        """Write ``state``, ``next_at`` and ``attempts`` of a claimed one.

        False when somebody else has claimed it since, or had it sent again: nothing is written.
        """
        ...

    async def resend_webhook(self, batch: str, webhook_id: str, now: float) -> bool:
        """Make a message due as at first, whatever became of it; False when there is none."""
        ...

    async def webhooks(self, batch: str) -> list[Webhook]:
        """All messages of a batch, oldest first."""
        ...

    async def webhooks_due(self) -> int:
        """How many messages are due, now or later."""
        ...
