"""The thread in which Kafka's client runs, and what it is asked past its queue.

A question that Kafka does not answer would hold up the fetches behind it in the queue; those here
go to the thread's loop directly.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streamapp.logs import FAUST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from aiokafka import AIOKafkaConsumer
    from faust.transport.consumer import RecordMap
    from faust.transport.drivers.aiokafka import Transport
    from faust.types import TP

    from streamapp.stream.consumer import WorkerConsumer
    from streamapp.stream.generations import WorkerApp

T = TypeVar("T")

KAFKA_WAITS_MS = 200
"""How long Kafka holds back an answer to a fetch while there is no event: what else is asked of the
same broker, such as a recovery's questions, stands behind it on the connection. Faust's is 1.5 s,
and a takeover then takes some 4 s more."""

THREAD_ANSWERS_WITHIN_S = 30.0
"""The client's thread does nothing that takes long; a loaded machine may let it wait."""


class ConsumerEnded(Exception):  # noqa: N818 - a state of the client, not a fault of a call
    """Kafka's client ended or stands still."""


class Lag(NamedTuple):
    """Where a stream is: the first offset that is not acknowledged, and that of the next event."""

    committed: int
    end: int

    @property
    def events(self) -> int:
        """Events that are not acknowledged."""
        return max(0, self.end - self.committed)


class WorkerConsumerThread(AIOKafkaConsumerThread):
    """The thread in which Kafka's client runs."""

    logger = FAUST

    def _create_worker_consumer(self, transport: Transport) -> AIOKafkaConsumer:
        client = super()._create_worker_consumer(transport)
        client._fetch_max_wait_ms = KAFKA_WAITS_MS  # noqa: SLF001 - Faust has no setting for it
        return client

    async def on_start(self) -> None:
        """Connect; from now on what the group's coordinator answers renews the worker's lease."""
        await super().on_start()
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001 - it has no listener
        for ask in ("_do_heartbeat", "_do_rejoin_group"):
            setattr(coordinator, ask, self._renewing_the_lease(getattr(coordinator, ask)))

    def _renewing_the_lease(
        self, ask: Callable[..., Awaitable[bool]]
    ) -> Callable[..., Awaitable[bool]]:
        lease = cast("WorkerApp", self.app).lease

        async def ask_and_renew(*args: Any) -> bool:
            asked_at = time.monotonic()
            if is_member := await ask(*args):
                lease.renew(asked_at)
            return is_member

        return ask_and_renew

    async def committed(self, tps: list[TP]) -> dict[TP, int]:
        """The committed offset of each partition; 0 where there is none."""
        committed: dict[TP, int] = await self.call_thread(self._committed, tps)
        return committed

    async def _committed(self, tps: list[TP]) -> dict[TP, int]:
        consumer = self._ensure_consumer()
        offsets = await asyncio.gather(*(consumer.committed(tp) for tp in tps))
        return {tp: offset or 0 for tp, offset in zip(tps, offsets, strict=True)}

    async def ends(self, tps: list[TP]) -> dict[TP, int]:
        """The offset of each partition's next event, asked past the queue of fetches."""
        return await self._in_thread(self._ends(tps))

    async def _ends(self, tps: list[TP]) -> dict[TP, int]:
        ends: dict[TP, int] = await self._ensure_consumer().end_offsets(tps) if tps else {}
        return ends

    async def answers(self) -> None:
        """Return when the thread gives a sign of life.

        Raises:
            ConsumerEnded: it does not.
        """
        try:
            async with asyncio.timeout(THREAD_ANSWERS_WITHIN_S):
                await self._in_thread(asyncio.sleep(0))
        except TimeoutError:
            raise ConsumerEnded("the thread of Kafka's client stands still") from None

    async def _in_thread(self, work: Coroutine[Any, Any, T]) -> T:
        thread = self._thread
        if thread is None or not thread.is_alive():
            work.close()
            raise ConsumerEnded("the thread of Kafka's client has ended")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> RecordMap:
        worker = cast("WorkerConsumer", self.consumer)
        stops = worker.stops
        records = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        if stops == worker.stops:
            return records
        # No other task of this thread ran since the client handed them out.
        for tp, taken in records.items():
            consumer.seek(tp, taken[0].offset)
        return {}
