"""Announcing: the end of a run becomes messages in the outbox, each of them once.

A message's id derives from the batch, the run, how it ended, with how many photos, and to whom it
goes. So it is the same whoever sees the end, and however often the log is read; a message that is
in the outbox is left as it is, delivered ones too. Photos that join a batch which has ended make
its next end another one.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from connectors.records.outbox import Webhook
from streamapp.progress import ends

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.records.outbox import WebhookOutbox
    from streamapp.progress import End, Progress

REMEMBERED_MAX = 10_000
"""Messages that are known to be in the outbox."""


class Announcer:
    """Puts into the outbox what is due."""

    def __init__(
        self,
        outbox: WebhookOutbox,
        *,
        of_all: bool,
        clock: Callable[[], float],
        told: Callable[[], None],
    ) -> None:
        """Nothing is due yet.

        Args:
            outbox: Where messages wait.
            of_all: Whether one address is told of every batch, beside the batch's own.
            clock: Unix seconds.
            told: Called when messages may be due.
        """
        self._outbox = outbox
        self._of_all = of_all
        self._clock = clock
        self._told = told
        self._known: set[str] = set()

    async def announce(self, state: Progress) -> None:
        """Have all ends of the batch in the outbox; raises as the outbox."""
        urls = [""] if self._of_all else []
        if state.webhook_url:
            urls.append(state.webhook_url)
        now = self._clock()
        due = [message(state, end, url, now) for end in ends(state) for url in urls]
        if fresh := [each for each in due if each.id not in self._known]:
            await self._outbox.add_webhooks(fresh)
            if len(self._known) > REMEMBERED_MAX:
                self._known.clear()
            self._known.update(each.id for each in fresh)
            self._told()


def message(state: Progress, end: End, url: str, now: float) -> Webhook:
    """The message of an end; ``url`` is the batch's own, or ``""`` for that of all batches."""
    run = end.run
    whom = "batch" if url else "all"
    named = f"{state.batch}/{run.run}/{end.type}/{run.photos}/{whom}"
    data = {
        "batchId": state.batch,
        "externalId": state.external_id,
        "projectId": state.project,
        "run": run.run,
        "status": run.status,
        "counts": {
            "photos": run.photos,
            "processed": run.processed,
            "failed": run.failed,
            "cancelled": run.cancelled,
        },
    }
    timestamp = datetime.fromtimestamp(end.at, UTC).isoformat(timespec="milliseconds")
    payload = {"type": end.type, "timestamp": timestamp.replace("+00:00", "Z"), "data": data}
    return Webhook(
        id=f"msg_{sha256(named.encode()).hexdigest()[:40]}",
        batch_id=state.batch,
        event_type=end.type,
        url=url,
        payload=json.dumps(payload, separators=(",", ":")),
        due_since=now,
        next_at=now,
    )
