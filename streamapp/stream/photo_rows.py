"""The rows of photos: what waits goes to the database in one upsert.

While one is on its way the next events gather, so that a database that is slow gets few and large
ones, and one that is quick gets each event at once. What is written goes on in the order in which
it came. A frame is never divided, since all rows of an outcome come in one call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from streamapp.stream.intake import current

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from faust.types import EventT

    from connectors.records.interface import PhotoRecord, RecordStore
    from streamapp.events import BatchLogEvent
    from streamapp.stream.circuit import Circuit

    Entry = BatchLogEvent | None

UPSERT_ROWS = 1024
"""So many rows are enough for an upsert; a frame that crosses the line is taken with it."""

WAITING_EVENTS_MAX = 256
"""Events in memory that wait for an upsert."""


class PhotoRows:
    """Events of the batch log that wait for their rows to be written, and the writer."""

    def __init__(
        self,
        records: RecordStore,
        circuit: Circuit,
        *,
        rows_of: Callable[[Entry], list[PhotoRecord]],
        then: Callable[[EventT[bytes], Entry], Awaitable[None]],
    ) -> None:
        """``rows_of`` makes an event's rows; ``then`` takes it over when these are written."""
        self._records = records
        self._circuit = circuit
        self._rows_of = rows_of
        self._then = then
        self._waiting: deque[tuple[EventT[bytes], Entry]] = deque()
        self._come = asyncio.Event()
        self._gone = asyncio.Event()

    async def clear(self, *_args: Any, **_options: Any) -> None:
        """Forget what waits: after the rebalance it is delivered again, here or there."""
        self._waiting.clear()
        self._gone.set()

    async def enter(self, event: EventT[bytes], entry: Entry) -> None:
        """Have the event's rows written; waits while too many events do."""
        self._waiting.append((event, entry))
        self._come.set()
        while len(self._waiting) >= WAITING_EVENTS_MAX:
            self._gone.clear()
            await self._gone.wait()

    async def write(self) -> None:
        """Write what waits, for ever."""
        while True:
            self._come.clear()
            if not self._waiting:
                await self._come.wait()
            taken, rows = self._take()
            if rows:
                await self._circuit.patiently(partial(self._records.upsert, rows))
            for event, entry in taken:
                if current(event):
                    await self._then(event, entry)

    def _take(self) -> tuple[list[tuple[EventT[bytes], Entry]], list[PhotoRecord]]:
        """The events of the next upsert, and their rows."""
        taken: list[tuple[EventT[bytes], Entry]] = []
        rows: list[PhotoRecord] = []
        while self._waiting and len(rows) < UPSERT_ROWS:
            taken.append(self._waiting.popleft())
            rows += self._rows_of(taken[-1][1])
        self._gone.set()
        return taken, rows
