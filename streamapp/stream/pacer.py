"""The pacer: the photos of open batches go to their topics no faster than photos are finished.

A task in each worker publishes pieces of the batches whose partitions the worker answers for: the
photos, the outcomes of those that are faulty, then the checkpoint. Killed anywhere, the successor
goes on from the checkpoint that it folded: nothing is missing, and at most a piece is published
again, which counts once. Each piece goes by the batch's priority of that moment, and none is
published of a batch whose cancellation was folded.

A part that cannot be read for the moment, since the store is away or lets nobody at it, is put
aside for a while: the other batches go on, and a cancellation is seen. While Kafka is away all
wait. When a part cannot be listed any further, the rest of its photos fail, piece by piece; of that
there is no checkpoint before the end, so that a successor lists them itself, from where it was
possible.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from streamapp.errors import Fate, StreamappError
from streamapp.stream.intake import ending_the_worker
from streamapp.stream.outlet import Outlet
from streamapp.stream.publication import Publication

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust import App

    from streamapp.stream.circuit import Circuit
    from streamapp.stream.load import Turn
    from streamapp.stream.pieces import Pieces
    from streamapp.stream.turns import Turns
    from streamapp.topics import Topics

DOUBT_S = 0.5
"""Nobody tells when a partition can be answered for again; asked that often while one cannot."""

_log = logging.getLogger(__name__)


def register(
    app: App,
    *,
    pieces: Pieces,
    topics: Topics,
    kafka: Circuit,
    turns: Turns,
    answers_for: Callable[[int], bool],
    clock: Callable[[], float],
) -> None:
    """Attach the task ``pace`` to the app."""
    publication = Publication(Outlet(app, topics, kafka), topics=topics, clock=clock)
    pacer = Pacer(publication, pieces=pieces, turns=turns, answers_for=answers_for)

    async def pace() -> None:
        await pacer.run()

    app.task(ending_the_worker(app, pace))


class Pacer:
    """Queues the photos of the batches in turn."""

    def __init__(
        self,
        publication: Publication,
        *,
        pieces: Pieces,
        turns: Turns,
        answers_for: Callable[[int], bool],
    ) -> None:
        self._publication = publication
        self._pieces = pieces
        self._turns = turns
        self._answers_for = answers_for

    async def run(self) -> None:
        """Serve whoever's turn it is, for ever."""
        while True:
            self._turns.changed.clear()
            turn = self._turns.next(self._answers_for)
            if turn:
                await self._serve(turn)
            else:
                await self._wait()

    async def _wait(self) -> None:
        certain = all(map(self._answers_for, self._turns.partitions()))
        pauses = (self._turns.retry_s(), None if certain else DOUBT_S)
        shortest = min((pause for pause in pauses if pause is not None), default=None)
        with suppress(TimeoutError):
            # Not `wait_for`: it swallows a cancellation that comes together with the event.
            async with asyncio.timeout(shortest):
                await self._turns.changed.wait()

    async def _serve(self, turn: Turn) -> None:
        lost = turn.batch.lost.get(turn.part.first_index)
        if lost:
            self._turns.advance(turn, await self._publication.give_up(turn, lost))
            return
        try:
            piece = await asyncio.to_thread(self._pieces.read, turn)
        except StreamappError as error:
            self._meet(turn, error)
        else:
            if self._turns.has(turn.batch):
                self._turns.advance(turn, await self._publication.queue(turn, piece))

    def _meet(self, turn: Turn, error: StreamappError) -> None:
        if error.fate is not Fate.WAIT:
            turn.batch.lost[turn.part.first_index] = error
            return
        pause_s = self._turns.put_aside(turn)
        _log.warning(
            "%s: %s %s is put aside for %.1f s.", error.code.code, error, turn.part.archive, pause_s
        )
