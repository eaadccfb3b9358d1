"""Retries: a photo whose failure may have been load is tried again later, a few times.

Only failures of the fate *retry* are: what is bad for good fails at once. The photo goes to the
topic of its next delay, from which a consumer of its own brings it back to its lane when it is due;
its attempts travel in the headers. After the last one it fails, and lies in ``photos-dead`` with
its whole history. Each of them is durable before the delivery is acknowledged, so a worker that
dies may do it twice and never leaves it out.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from streamapp import events
from streamapp.errors import Code, Fate
from streamapp.events import ATTEMPTS_HEADER, DUE_HEADER, LANE_HEADER, Attempt
from streamapp.keys import photo_key
from streamapp.stream.intake import ending_the_worker
from streamapp.stream.outlet import Message
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from faust import App
    from faust.types import EventT

    from streamapp.events import Outcome
    from streamapp.stream.backlog import Delivery
    from streamapp.stream.metrics import Metrics
    from streamapp.stream.outlet import Outlet
    from streamapp.topics import Lane, Topics

GROWTH = 4
"""Of the delay, from one attempt to the next."""

JITTER = 0.2
"""A delay is longer or shorter by up to this share of it, so that a crowd does not come back."""

CLOCKS_DIFFER_S = 60.0
"""By no more than that, among the machines of an installation."""

_RETRIED = {code.code for code in Code if code.fate is Fate.RETRY}

_log = logging.getLogger(__name__)


class Waiting(Protocol):
    """An event that waits in a topic of retries."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Mapping[str, bytes | None]: ...  # noqa: D102


class Delayed(Protocol):
    """The topics of retries, shared among the workers."""

    async def follow(
        self, due_at: Callable[[Waiting], float], move: Callable[[Waiting], Awaitable[None]]
    ) -> None:
        """Call ``move`` with each event when it is due, for as long as it runs."""
        ...


class Return(NamedTuple):
    """What the headers of a retry say: where the photo goes back to, and when."""

    lane: Lane
    due: float


def register(
    app: App,
    *,
    outlet: Outlet,
    delayed: Delayed,
    longest_s: float,
    clock: Callable[[], float],
) -> None:
    """Attach the task that brings retries back to the app.

    No delay is longer than ``longest_s``. A time that is much later was written by a clock that
    went wrong, or by nobody here, and would hold up all that waits behind it in its partition: it
    counts as come.
    """

    async def bring_back(waiting: Waiting) -> None:
        back, value = return_of(waiting), waiting.value
        if back is None or value is None:
            place = (waiting.topic, waiting.partition, waiting.offset)
            _log.error("%s[%d]@%d is no retry, and is passed over", *place)
            return
        headers = {ATTEMPTS_HEADER: waiting.headers.get(ATTEMPTS_HEADER) or b"[]"}
        await outlet.bring_back(back.lane, Message(waiting.key, value, waiting.partition, headers))

    def due_at(waiting: Waiting) -> float:
        back = return_of(waiting)
        if back is None or back.due - clock() > 2 * longest_s + CLOCKS_DIFFER_S:
            return 0.0
        return back.due

    async def follow_retries() -> None:
        await delayed.follow(due_at, bring_back)

    app.task(ending_the_worker(app, follow_retries))


def return_of(waiting: Waiting) -> Return | None:
    """What the headers say; None when it was not written by `Retries`."""
    try:
        lane = (waiting.headers.get(LANE_HEADER) or b"").decode()
        due = float(waiting.headers.get(DUE_HEADER) or b"")
    except ValueError:
        return None
    return Return(lane, due) if lane in LANES and math.isfinite(due) else None


def attempts_of(event: EventT[bytes]) -> tuple[Attempt, ...]:
    """The failed attempts in an event's headers; none when those cannot be read."""
    text = dict(event.headers or ()).get(ATTEMPTS_HEADER)
    try:
        return events.decode_attempts(text) if text else ()
    except events.UNREADABLE as error:
        message = event.message
        _log.error("%s@%d: its attempts cannot be read: %s", message.tp, message.offset, error)
        return ()


def longest_delay_s(retry_delay_s: float, attempts: int) -> float:
    """The most seconds before the last of so many attempts; see `Retries`."""
    return retry_delay_s * float(GROWTH ** max(0, attempts - 2)) * (1 + JITTER)


class Retries:
    """Decides which failures are final, and puts the others where they wait."""

    def __init__(
        self,
        outlet: Outlet,
        topics: Topics,
        *,
        metrics: Metrics,
        retry_delay_s: float,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        """Publish nothing yet.

        Args:
            outlet: Where to publish.
            topics: Tells how many attempts there are.
            metrics: Counts retries and dead letters.
            retry_delay_s: Before the second attempt, about, in seconds.
            clock: Unix seconds.
            chance: From 0 to 1, for the jitter.
        """
        self._outlet = outlet
        self._attempts = topics.attempts
        self._metrics = metrics
        self._retry_delay_s = retry_delay_s
        self._clock = clock
        self._chance = chance

    async def put(self, done: Iterable[tuple[Delivery, Outcome]]) -> tuple[Outcome, ...]:
        """The outcomes that are final; the other photos are durable in a topic of retries."""
        final = []
        for delivery, outcome in done:
            if outcome.code not in _RETRIED or await self._is_last(delivery, outcome):
                final.append(outcome)
        return tuple(final)

    async def _is_last(self, delivery: Delivery, outcome: Outcome) -> bool:
        """Put a failed photo where it belongs; whether it failed for good."""
        now = self._clock()
        attempt = Attempt(at=now, code=outcome.code or "", detail=outcome.detail)
        attempts = (*delivery.attempts, attempt)
        headers = {
            ATTEMPTS_HEADER: msgspec.json.encode(attempts),
            LANE_HEADER: delivery.lane.encode(),
        }
        photo = delivery.photo
        key, partition = photo_key(photo.batch, photo.index), delivery.partition.partition
        message = Message(key, events.encode(photo), partition, headers)
        if len(attempts) >= self._attempts:
            await self._outlet.bury(message)
            self._metrics.dead_letters.labels(delivery.lane).inc()
            return True
        headers[DUE_HEADER] = f"{now + self._delay_s(len(attempts)):.3f}".encode()
        await self._outlet.put_off(len(attempts), message)
        self._metrics.retries.labels(delivery.lane).inc()
        return False

    def _delay_s(self, failures: int) -> float:
        spread = 1 + JITTER * (2 * self._chance() - 1)
        return self._retry_delay_s * float(GROWTH ** (failures - 1)) * spread
