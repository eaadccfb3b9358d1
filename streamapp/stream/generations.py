"""The worker's app: how Faust is set up, which work is no longer its own, and how it ends.

At-least-once. Faust creates no topics and elects no leader over a topic of its own.

Between two generations of the group, partitions are revoked and not yet assigned again: nothing is
told or acknowledged for them then. A worker that is asked to end first finishes what is in hand;
what takes too long is handed back: not acknowledged, and delivered to another worker at once,
since this one leaves the group. An end that hangs, such as on a broker that does not answer, is
cut: that is a kill, which loses nothing either.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import faust
from faust.web.drivers import aiohttp

from streamapp.logs import FAUST, quieten_the_client
from streamapp.stream.consumer import WorkerTransport
from streamapp.stream.faults import LastFaults
from streamapp.stream.lease import Lease
from streamapp.stream.local_state import LocalTable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from faust.types import TransportT
    from faust.types.web import Web

FINISHING_S = 4.0
"""For what is in hand when the worker is asked to end; then its children are killed."""

ENDING_S = 9.0
"""For the whole end."""

HEARTBEATS = 6
"""In a session timeout; the others learn by theirs that one is missing."""

_log = logging.getLogger(__name__)


class WorkerWeb(aiohttp.Web):
    """Faust's web server without Faust's own pages, which answer from tables without asking whose.

    What a worker serves is in `views`, `probes` and `pages`.
    """

    logger = FAUST
    default_blueprints = ()
    production_blueprints = ()


class WorkerApp(faust.App):
    """A Faust app that knows which generation's work is no longer its own."""

    logger = FAUST
    revoked_generation: int | None = None
    cut_end = False
    """Whether this process is the worker's own and may be ended when the end hangs."""

    def __init__(
        self,
        name: str,
        *,
        bootstrap: str,
        folder: Path,
        partitions: int,
        session_timeout_s: float = 45.0,
        **options: Any,
    ) -> None:
        """Set Faust up as this product needs it; nothing connects before it is started.

        Args:
            name: The consumer group.
            bootstrap: Kafka brokers, ``host:port``, comma separated.
            folder: Of the tables' local copies.
            partitions: Of every topic.
            session_timeout_s: After which Kafka gives a silent worker's partitions to others.
            options: Faust's other settings, also in the place of those here.
        """
        own: dict[str, Any] = {
            "broker": [f"kafka://{address}" for address in bootstrap.split(",")],
            "datadir": folder,
            "store": "rocksdb://",
            "Table": LocalTable,
            "table_standby_replicas": 0,
            "topic_partitions": partitions,
            "topic_allow_declare": False,
            "topic_disable_leader": True,
            "consumer_auto_offset_reset": "earliest",
            "broker_commit_interval": 1.0,
            "broker_session_timeout": session_timeout_s,
            "broker_heartbeat_interval": session_timeout_s / HEARTBEATS,
            "stream_wait_empty": False,
        }
        super().__init__(name, **own | options)
        self.faults = LastFaults()
        """What its process logs; whoever runs it has it listen."""
        self.lease = Lease(session_timeout_s=session_timeout_s, clock=time.monotonic)
        self._finishing: list[Callable[[], Awaitable[None]]] = []

    def finish_before_the_end(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have ``work`` called when the worker is asked to end: it returns when its hands are free.

        It is cancelled after `FINISHING_S`.
        """
        self._finishing.append(work)

    async def stop(self) -> None:
        """End; with what is in hand finished, unless the worker has crashed."""
        self._begin_to_end()
        if self.started and not self.should_stop:
            await self._finish()
        await super().stop()

    def _crash(self, reason: BaseException) -> None:
        """Called of whatever crashes in the app; nobody may come to call `stop` after it."""
        self._begin_to_end()
        super()._crash(reason)

    def _begin_to_end(self) -> None:
        if self.cut_end:
            self.cut_end = False  # once
            _log.info("Stopping.")
            quieten_the_client()
            _cut_after(ENDING_S)

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(FINISHING_S):
                await asyncio.gather(*(work() for work in self._finishing))
        except TimeoutError:
            _log.warning("What is in hand takes too long: it is left to the other workers.")

    def on_rebalance_start(self) -> None:
        """Called first of all when partitions are about to be revoked."""
        self.revoked_generation = self.consumer_generation_id
        super().on_rebalance_start()

    def _new_web(self) -> Web:
        return WorkerWeb(self)

    def _new_transport(self) -> TransportT:
        return WorkerTransport(self.conf.broker_consumer, self)


def _cut_after(seconds: float) -> None:
    def cut() -> None:
        _log.critical("This worker does not come to its end: it is cut.")
        os._exit(1)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True  # most often the process is gone before
    timer.start()
