"""The watchdog: a worker that does not advance while there is work ends, and is started again.

Alive is who acknowledges while there is lag, not who is there. What is looked at: whether each
group of streams advances, the thread of Kafka's client, and the event loop itself. Time in which a
group cannot advance is not counted: while the circuit of a service that it needs is open (all need
Kafka), and as long as the children may legally be at work; a rebalance and the recovery with it
have the same limit. A process that was frozen is given time to find itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, cast

from faust.exceptions import ConsumerNotStarted

from streamapp.errors import Code, StreamappError
from streamapp.stream.consumer_thread import ConsumerEnded
from streamapp.stream.loop_watch import LoopWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from faust import App
    from faust.types import TP

    from streamapp.stream.circuit import Circuit, Circuits
    from streamapp.stream.consumer import WorkerConsumer
    from streamapp.stream.consumer_thread import Lag

LOOK_S = 2.0
KAFKA_ANSWERS_WITHIN_S = 5.0


class WorkerStands(Exception):  # noqa: N818 - a state of the worker, not a fault of a call
    """The worker does not advance, though there is work."""


class Group(NamedTuple):
    """Streams of which one advances while there is work for any of them."""

    name: str
    topics: frozenset[str]
    may_rest_until: Callable[[], float]
    """Until when no advance is fine, by the watchdog's clock."""
    needs: tuple[Circuit, ...] = ()
    """The services without which there is no advance, beside Kafka."""


class Stillness:
    """How long each thing that owes an advance has not made one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def forget(self) -> None:
        """Begin anew, for all."""
        self._seen.clear()

    def seconds(self, name: str, mark: Hashable, *, owes: bool) -> float:
        """Since when ``name`` stands at ``mark`` and owes an advance."""
        now = self._clock()
        seen, since = self._seen.get(name, (None, now))
        if not owes or seen != mark:
            since = now
        self._seen[name] = mark, since
        return now - since


class Watchdog:
    """Looks every `LOOK_S` and ends the worker that does not advance."""

    def __init__(
        self,
        app: App,
        *,
        groups: tuple[Group, ...],
        circuits: Circuits,
        stall_limit_s: float,
        clock: Callable[[], float],
    ) -> None:
        self.lags: Mapping[TP, Lag] = {}
        self.verdict: str | None = None
        """Why the worker ends, once it does."""
        self.stood_s = 0.0
        """For how long a group has owed an advance, at most."""
        self._app = app
        self._groups = groups
        self._circuits = circuits
        self._stall_limit_s = stall_limit_s
        self._clock = clock
        self._stillness = Stillness(clock)

    async def watch(self) -> None:
        """Look, for ever.

        Raises:
            WorkerStands: the worker must end.
        """
        LoopWatch(asyncio.get_running_loop(), self._stall_limit_s).start()
        while not self.verdict:
            await asyncio.sleep(LOOK_S)
            self.verdict = await self._look()
        raise WorkerStands(self.verdict)

    async def _look(self) -> str | None:
        try:
            self.lags = await self._circuits.kafka.patiently(self._ask)
        except ConsumerNotStarted:
            return None
        except ConsumerEnded as ended:
            return None if self._app.should_stop else str(ended)
        if self._circuits.kafka.is_open:
            self._stillness.forget()
            return None
        return self._rebalancing() if self._app.rebalancing else self._standing()

    def _rebalancing(self) -> str | None:
        """Of a rebalance, and the recovery with it: nothing else is looked at meanwhile."""
        mark = self._app.consumer_generation_id
        self.stood_s = self._stillness.seconds("a rebalance", mark, owes=True)
        stands = self.stood_s >= self._stall_limit_s
        return "a rebalance or a recovery does not come to its end" if stands else None

    def _standing(self) -> str | None:
        self._stillness.seconds("a rebalance", None, owes=False)
        stood_s = {group: self._stood_s(group) for group in self._groups}
        self.stood_s = max(stood_s.values())
        standing = [group for group, each_s in stood_s.items() if each_s >= self._stall_limit_s]
        return "; ".join(map(self._describe, standing)) or None

    async def _ask(self) -> Mapping[TP, Lag]:
        consumer = cast("WorkerConsumer", self._app.consumer)
        await consumer.lives()
        try:
            async with asyncio.timeout(KAFKA_ANSWERS_WITHIN_S):
                return await consumer.lags()
        except TimeoutError:
            raise StreamappError(Code.KAFKA_AWAY, "no answer to a question") from None

    def _stood_s(self, group: Group) -> float:
        lags = self._of(group)
        owes = (
            any(lag.events for lag in lags.values())
            and not any(circuit.is_open for circuit in group.needs)
            and self._clock() > group.may_rest_until()
        )
        mark = frozenset((tp, lag.committed) for tp, lag in lags.items())
        return self._stillness.seconds(group.name, mark, owes=owes)

    def _describe(self, group: Group) -> str:
        behind = {f"{tp.topic}-{tp.partition}": lag for tp, lag in self._of(group).items()}
        where = ", ".join(
            f"{name} at {lag.committed} of {lag.end}" for name, lag in behind.items() if lag.events
        )
        return f"there is no advance of {group.name}: {where}"

    def _of(self, group: Group) -> dict[TP, Lag]:
        return {tp: lag for tp, lag in self.lags.items() if tp.topic in group.topics}
