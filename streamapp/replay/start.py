"""How a run begins: its event is put into the object store, then into the batch log.

Where the event lies is decided by its number, and the store lets exactly one of all who try put it
there: two replays at once give one run. Whoever finds a run that the batch's owner does not know
publishes it first: it was another's, a moment ago, or was cut off between the two. So the same
replay again begins nothing twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.events import UNREADABLE, RunPart, RunStarted, decode_batch_log, encode
from streamapp.keys import run_key
from streamapp.replay.candidate import indexes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyroaring import BitMap

    from connectors.objects.interface import UploadStore
    from streamapp.events import ArchiveStored
    from streamapp.replay.candidate import Candidate
    from streamapp.replay.interfaces import BatchLog

RUNS_MAX = 64

MESSAGE_BYTES_MAX = 900_000
"""Of a run's event, and of the batch's progress with it; below Kafka's usual limit of 1 MB."""


class Wish(NamedTuple):
    """How a batch is done again: ``settings`` of vision changed, another ``priority``.

    ``rate`` is the most photos a second, 0 for no limit; ``priority`` None is the batch's own.
    """

    settings: tuple[tuple[str, str], ...] = ()
    priority: int | None = None
    rate: float = 0.0


class Begun(NamedTuple):
    """A run that began; ``anew``: by us, and not by the same replay before or beside this one."""

    run: RunStarted
    anew: bool


class Starts:
    """Begins runs."""

    def __init__(self, objects: UploadStore, log: BatchLog, clock: Callable[[], float]) -> None:
        self._objects = objects
        self._log = log
        self._clock = clock

    async def begin(self, candidate: Candidate, wish: Wish) -> Begun:
        """Begin the next run of a batch; it may be done twice, also after an error.

        Raises:
            StreamappError: ``BATCH_OPEN``, when another replay has begun a run; ``BATCH_FULL``,
                when the batch had all its runs, or what another one may add does not fit;
                ``KAFKA_AWAY``, ``STORE_AWAY``.
        """
        wanted = self._run(candidate, wish)
        there = await asyncio.to_thread(self._put, wanted)
        await self._log.publish(there)
        if not _is_same(there, wanted):
            raise StreamappError(Code.BATCH_OPEN, f"another replay has begun its run {there.run}")
        return Begun(there, there.started_at == wanted.started_at)

    def _run(self, candidate: Candidate, wish: Wish) -> RunStarted:
        state = candidate.state
        number = state.latest.run + 1
        if number > RUNS_MAX:
            raise StreamappError(Code.BATCH_FULL, f"it had {RUNS_MAX} runs")
        run = RunStarted(
            batch=state.batch,
            project=candidate.parts[0].project,
            run=number,
            started_at=self._clock(),
            priority=wish.priority or state.priority,
            photos=progress.serialized(candidate.photos),
            parts=tuple(_part(part, candidate.photos) for part in candidate.parts),
            settings=wish.settings,
            rate=wish.rate,
        )
        most = len(progress.encode(state)) + progress.bytes_max(run)
        if most > MESSAGE_BYTES_MAX:
            raise StreamappError(Code.BATCH_FULL, f"its progress may come to {most} bytes")
        return run

    def _put(self, wanted: RunStarted) -> RunStarted:
        """The run of this number: as it is wanted, or another that was there before."""
        key, data = run_key(wanted.batch, wanted.run), encode(wanted)
        if self._objects.put_new(key, data, "application/json"):
            return wanted
        try:
            there = decode_batch_log(self._objects.read(key, 0, MESSAGE_BYTES_MAX))
        except UNREADABLE as error:
            raise StreamappError(Code.INTERNAL, f"{key} cannot be read: {error}") from error
        if not isinstance(there, RunStarted):
            raise StreamappError(Code.INTERNAL, f"{key} is no run")
        return there


def _is_same(there: RunStarted, wanted: RunStarted) -> bool:
    """Whether both are of one replay, given twice.

    When is left out, and how fast: a share of what was asked for, which depends on how many others
    were begun beside it.
    """
    return structs.replace(there, started_at=wanted.started_at, rate=wanted.rate) == wanted


def _part(part: ArchiveStored, photos: BitMap) -> RunPart:
    """The part, with those of its duplicates that are among ``photos``."""
    of_part = (photos & indexes(part)).shift(-part.first_index)
    duplicates = progress.indexes_of(part.duplicates) & of_part
    return RunPart(
        first_index=part.first_index,
        archive=part.archive,
        archive_bytes=part.archive_bytes,
        kind=part.kind,
        photos=part.photos,
        duplicates=progress.serialized(duplicates),
        nested=part.nested,
    )
