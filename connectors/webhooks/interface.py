"""What the product asks of the sender of webhooks."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Answer(NamedTuple):
    """The HTTP status that the receiver answered, or None and why there was none."""

    status: int | None
    fault: str = ""


class WebhookSender(Protocol):
    """Sends messages; what goes wrong is told, not raised."""

    async def send(self, *, url: str, webhook_id: str, payload: str) -> Answer:
        """Post ``payload`` to ``url``, within a bounded time. The id tells repetitions."""
        ...

    async def close(self) -> None:
        """Let go of what is open."""
        ...
