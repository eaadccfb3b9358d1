"""The worker's consumer: each stream goes on exactly where it must after a rebalance.

Faust's own passes events over when rebalances come close together (`ops/decisions/0007`). So here

- a fetch that was under way when the flow was stopped gives back what it took;
- every stream is sought to its offset, also where Faust's client would stay where it stands: at the
  beginning;
- a stream delivers nothing between a rebalance and that, and then each offset once, in order.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

from faust.transport.drivers.aiokafka import Consumer, Transport

from streamapp.logs import FAUST
from streamapp.stream.consumer_thread import Lag, WorkerConsumerThread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.transport.consumer import RecordMap
    from faust.types import TP, Message

FETCH_WAIT_S = 0.1
"""How long a fetch waits for events; each of a recovery's questions to Kafka stands behind one."""

_log = logging.getLogger(__name__)


class WorkerConsumer(Consumer):
    """Faust's consumer with streams that are closed between a rebalance and their start."""

    logger = FAUST

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stops = 0
        self._closings = 0
        self._hand_on = self.callback
        self.callback = self._deliver
        self._read_offset = _NoOffsets()
        self._starts: dict[TP, int] = {}
        self._oldest: Mapping[TP, int] = {}
        self._sought: dict[TP, int] | None = None
        self._due: dict[TP, int] = {}
        self._seeking = asyncio.Lock()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Whether a stream stands still is for `watchdog`.

        Faust's own detector counts from the worker's start, not from the first event: after an idle
        hour it calls the first work an error.
        """

    async def first_offsets(self) -> Mapping[TP, int]:
        """Where each stream is to start: behind what was acknowledged, at the oldest event left.

        To be called when the tables are recovered; without it nothing starts.
        """
        closings = self._closings
        tps = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
        committed = await cast("WorkerConsumerThread", self._thread).committed(tps)
        oldest = await self.earliest_offsets(*tps) if tps else {}
        starts = {tp: max(committed[tp], oldest[tp]) for tp in tps}
        if closings == self._closings:  # else another rebalance has begun
            self._committed_offset.update(starts)
            self._starts, self._oldest = starts, oldest
        return dict(starts)

    def start_earlier(self, tp: TP, offset: int) -> int:
        """Deliver the events from ``offset`` on again; they stay acknowledged.

        Returns:
            Where the stream starts now: not later than before, and not before the oldest event.
        """
        start = max(min(self._starts[tp], offset), self._oldest[tp])
        self._starts[tp] = start
        return start

    async def lives(self) -> None:
        """Return when Kafka's client gives a sign of life, whether Kafka does or not.

        Raises:
            ConsumerEnded: It does not run any more.
        """
        await cast("WorkerConsumerThread", self._thread).answers()

    async def lags(self) -> dict[TP, Lag]:
        """How far each assigned stream is acknowledged; Kafka is asked for the ends."""
        tps = [tp for tp in self.assignment() if not self._is_changelog_tp(tp)]
        ends = await cast("WorkerConsumerThread", self._thread).ends(tps)
        return {
            tp: Lag(self._committed_offset[tp] or 0, end)
            for tp, end in ends.items()
            if tp in self._committed_offset
        }

    @property
    def starting(self) -> bool:
        """Whether the first offsets still hold: no other rebalance has begun since."""
        return bool(self._starts)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Close the streams."""
        self._close()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Close the streams: a recovery that had just ended may have opened them meanwhile."""
        self._close()
        self.stop_flow()
        await super().on_partitions_assigned(assigned, generation_id)

    def _close(self) -> None:
        self._closings += 1
        self._starts, self._sought, self._due = {}, None, {}

    def stop_flow(self) -> None:
        """Stop fetching; a fetch that is under way will bring nothing."""
        self.stops += 1
        super().stop_flow()

    def resume_flow(self) -> None:
        """Fetch again; the streams are open from here on when they were sought.

        Faust empties the agents' queues just before this, so nothing may be in them yet.
        """
        if self._sought is not None:
            self._due = self._sought
            self._starts, self._sought = {}, None
        super().resume_flow()

    async def perform_seek(self) -> None:
        """Seek every stream to its start.

        Faust calls this when the tables are recovered and, which is of no use, whenever a fetch
        ends while the flow is stopped.
        """
        async with self._seeking:
            if not self.starting:
                return
            self.stop_flow()
            starts = self._starts
            await self.seek_wait(starts)
            if self._starts is starts:
                self._sought = starts

    async def _deliver(self, message: Message) -> None:
        if self._is_changelog_tp(message.tp) or await self._is_due(message.tp, message.offset):
            await self._hand_on(message)

    async def _is_due(self, tp: TP, offset: int) -> bool:
        """Whether the event is the next of its stream, which it then no longer is."""
        if tp in self._due and offset > self._due[tp]:
            await self._go_back(tp, offset)
        if offset != self._due.get(tp):
            return False
        self._due[tp] += 1
        return True

    async def _go_back(self, tp: TP, offset: int) -> None:
        due = self._due[tp]
        oldest = (await self.earliest_offsets(tp))[tp]
        if self._due.get(tp) != due:
            return
        if oldest > due:
            _log.error(
                "%s@%d to %d are lost: Kafka deleted them before they were read; its retention is"
                " shorter than the backlog",
                *(tp, due, oldest - 1),
            )
            self._due[tp] = self._committed_offset[tp] = oldest
        if offset != self._due[tp]:
            _log.warning("%s goes back from %d to %d", tp, offset, self._due[tp])
            await self.seek_wait({tp: self._due[tp]})

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:  # noqa: ASYNC109 - Faust's signature
        return await super()._getmany(active_partitions, min(timeout, FETCH_WAIT_S))

    def _new_consumer_thread(self) -> WorkerConsumerThread:
        return WorkerConsumerThread(self, loop=self.loop, beacon=self.beacon)


class WorkerTransport(Transport):
    """Faust's transport with the consumer above."""

    Consumer = WorkerConsumer


class _NoOffsets(dict[Any, Any]):
    """Keeps nothing: Faust notes here what it read, and drops what is read again behind it."""

    def __missing__(self, _tp: object) -> None:
        return None

    def __setitem__(self, _tp: object, _offset: object) -> None:
        pass
