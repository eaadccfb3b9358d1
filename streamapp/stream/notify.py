"""Notify: what the outbox of webhooks holds is delivered, by any worker, at least once.

A message is claimed for `CLAIM_S`, sent, and what became of it is written. A worker that dies
between leaves a claim that runs out, and another one sends the message again, under the same id.
While the database is away nothing is sent. A receiver that does not take it is asked again after
pauses that grow, for a day.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from random import Random
from typing import TYPE_CHECKING

from msgspec import structs

from connectors.records.outbox import Delivery
from streamapp.errors import StreamappError
from streamapp.stream.announcing import Announcer
from streamapp.stream.intake import ending_the_worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connectors.records.interface import RecordStore
    from connectors.records.outbox import Webhook
    from connectors.webhooks.interface import Answer, WebhookSender
    from streamapp.progress import Progress
    from streamapp.stream.circuit import Circuit
    from streamapp.stream.generations import WorkerApp
    from streamapp.stream.metrics import Metrics

CLAIM_S = 40.0
"""More than it takes to send a message and to write what became of it."""
IN_HAND_MAX = 16
LOOK_S = 5.0
"""Between two looks at the outbox."""

FIRST_PAUSE_S = 5.0
PAUSES_GROW = 3
LONGEST_PAUSE_S = 2 * 3600.0
TRIED_S = 24 * 3600.0
"""For which a receiver is asked again."""

_log = logging.getLogger(__name__)


def register(
    app: WorkerApp,
    *,
    records: RecordStore,
    sender: WebhookSender | None,
    url: str,
    circuit: Circuit,
    metrics: Metrics,
) -> Callable[[Progress], Awaitable[None]]:
    """Attach the notifier's task to the app, if there is a sender.

    Returns what has the ends of a batch announced. ``url`` is told of all batches.
    """
    look = nothing
    if sender:
        notifier = Notifier(
            records,
            sender,
            url=url,
            circuit=circuit,
            metrics=metrics,
            clock=time.time,
            chance=Random().random,  # noqa: S311 - it spreads load, and is no secret
        )
        app.task(ending_the_worker(app, notifier.notify))
        look = notifier.look
    return Announcer(records, of_all=bool(url), clock=time.time, told=look).announce


def nothing() -> None:
    """Nobody looks at the outbox here."""


def next_attempt(attempts: int, *, due_since: float, now: float, chance: float) -> float | None:
    """When a message is sent again after as many attempts; None when a day is over.

    ``chance``, 0 to 1, spreads what failed together: a pause is a quarter shorter to a quarter
    longer. The last attempt is when the day ends.
    """
    last = due_since + TRIED_S
    if now >= last:
        return None
    grown = FIRST_PAUSE_S * float(PAUSES_GROW ** min(attempts - 1, 10))
    return min(now + min(grown, LONGEST_PAUSE_S) * (0.75 + chance / 2), last)


class Notifier:
    """Delivers for one worker."""

    def __init__(
        self,
        records: RecordStore,
        sender: WebhookSender,
        *,
        url: str,
        circuit: Circuit,
        metrics: Metrics,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        """Nothing is sent yet; ``url`` is where messages of all batches go."""
        self._records = records
        self._sender = sender
        self._url = url
        self._circuit = circuit
        self._metrics = metrics
        self._clock = clock
        self._chance = chance
        self._in_hand = 0
        self._look = asyncio.Event()

    def look(self) -> None:
        """Have the outbox looked at now."""
        self._look.set()

    async def notify(self) -> None:
        """Deliver what is due, for ever."""
        try:
            await self._circuit.patiently(self._records.prepare)
            async with asyncio.TaskGroup() as deliveries:
                while True:
                    self._look.clear()
                    for webhook in await self._claimed():
                        self._in_hand += 1
                        deliveries.create_task(self._deliver(webhook))
                    await self._wait()
        finally:
            await self._sender.close()

    async def _claimed(self) -> list[Webhook]:
        self._metrics.webhooks_due = await self._circuit.patiently(self._records.webhooks_due)
        if not self._metrics.webhooks_due or self._in_hand >= IN_HAND_MAX:
            return []
        now = self._clock()
        claim = partial(
            self._records.claim_webhooks,
            now=now,
            until=now + CLAIM_S,
            limit=IN_HAND_MAX - self._in_hand,
        )
        return await self._circuit.patiently(claim)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S * (0.75 + self._chance() / 2)):
                await self._look.wait()

    async def _deliver(self, webhook: Webhook) -> None:
        try:
            begun, began_at = time.monotonic(), self._clock()
            answer = await self._sender.send(
                url=webhook.url or self._url, webhook_id=webhook.id, payload=webhook.payload
            )
            attempt = Delivery(
                at=began_at,
                seconds=round(time.monotonic() - begun, 3),
                status=answer.status,
                fault=answer.fault,
            )
            settled = settle(
                webhook, attempt, answer=answer, now=self._clock(), chance=self._chance()
            )
            if await self._circuit.patiently(partial(self._records.settle_webhook, settled)):
                self._tell(settled)
        except StreamappError:
            _log.exception("webhook %s of batch %s", webhook.id, webhook.batch_id)
        finally:
            self._in_hand -= 1
            self.look()

    def _tell(self, settled: Webhook) -> None:
        result = "retried" if settled.state == "due" else settled.state
        self._metrics.webhooks.labels(result).inc()
        if settled.state == "failed":
            _log.warning("webhook %s of batch %s is given up", settled.id, settled.batch_id)


def settle(
    webhook: Webhook, attempt: Delivery, *, answer: Answer, now: float, chance: float
) -> Webhook:
    """The message after an attempt: delivered, due again, or failed for good.

    A receiver that answers 410 (Gone) wants no more of it, as the standard says.
    """
    tried = (*webhook.attempts, attempt)
    told = structs.replace(webhook, attempts=tried)
    if answer.status is not None and HTTPStatus(200) <= answer.status < HTTPStatus(300):
        return structs.replace(told, state="delivered")
    attempts = sum(each.at >= webhook.due_since for each in tried)
    again = next_attempt(attempts, due_since=webhook.due_since, now=now, chance=chance)
    if again is None or answer.status == HTTPStatus.GONE:
        return structs.replace(told, state="failed")
    return structs.replace(told, next_at=again)
