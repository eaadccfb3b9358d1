"""Expand: an archive becomes one event per photo, after the batch's opening told their number.

The central directory is read by ranged reads, in pieces, twice: once to judge and count, once to
publish. Killed anywhere, the archive is expanded again from the start: the same events with the
same keys, which count once.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, TypeVar

import msgspec

from streamapp import archive, events
from streamapp.errors import Code, StreamappError
from streamapp.events import BatchOpened, BatchRejected, Outcome, PhotoQueued, PhotosFinished
from streamapp.stream.intake import acknowledge, deliveries, ending_the_worker
from streamapp.stream.outlet import Outlet, raw_topic
from streamapp.stream.patience import patiently
from streamapp.topics import lane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from faust import App
    from faust.types import StreamT

    from connectors.objects.interface import ObjectStore
    from streamapp.archive import Entry, Judgement, Limits
    from streamapp.events import ArchiveStored
    from streamapp.topics import Topics

T = TypeVar("T")

PIECE_PHOTOS = 512
"""Photos that are published together; what the expansion holds in memory."""

_log = logging.getLogger(__name__)


def register(
    app: App,
    *,
    objects: ObjectStore,
    limits: Limits,
    topics: Topics,
    clock: Callable[[], float],
) -> None:
    """Attach the agent ``expand`` to the app."""
    expansion = Expansion(
        Outlet(app, topics), objects=objects, limits=limits, topics=topics, clock=clock
    )

    async def expand(stream: StreamT[bytes]) -> None:
        async for event, stored in deliveries(stream, events.decode_archive):
            if stored is not None:
                await expansion.run(stored)
            acknowledge(event)

    app.agent(raw_topic(app, topics.archives), name="expand")(ending_the_worker(app, expand))


class Expansion:
    """The work of the agent: everything an archive gives rise to, published durably."""

    def __init__(
        self,
        outlet: Outlet,
        *,
        objects: ObjectStore,
        limits: Limits,
        topics: Topics,
        clock: Callable[[], float],
    ) -> None:
        self._outlet = outlet
        self._objects = objects
        self._limits = limits
        self._topics = topics
        self._clock = clock

    async def run(self, stored: ArchiveStored) -> None:
        """Open the batch and queue its photos, or reject it; waits while a service is away.

        Whatever goes wrong, the batch ends: before its opening it is rejected, after it every
        photo that was not queued is failed.
        """
        try:
            judgement = await _done(lambda: asyncio.to_thread(self._judge, stored))
        except StreamappError as error:
            await self._reject(stored, error)
        else:
            await self._open(stored, judgement)
            await self._queue(stored, judgement)

    def _judge(self, stored: ArchiveStored) -> Judgement:
        return archive.judge(self._reader(stored), stored.archive_bytes, self._limits)

    def _reader(self, stored: ArchiveStored) -> Callable[[int, int], bytes]:
        return lambda start, length: self._objects.read(stored.archive, start, length)

    async def _open(self, stored: ArchiveStored, judgement: Judgement) -> None:
        await self._outlet.tell(
            BatchOpened(
                batch=stored.batch,
                project=stored.project,
                priority=stored.priority,
                archive=stored.archive,
                archive_bytes=stored.archive_bytes,
                name=stored.name,
                photos=judgement.photos,
                skipped=judgement.skipped,
                opened_at=self._clock(),
            )
        )

    async def _reject(self, stored: ArchiveStored, error: StreamappError) -> None:
        await self._outlet.tell(
            BatchRejected(
                batch=stored.batch,
                project=stored.project,
                code=error.code.code,
                detail=error.detail,
                rejected_at=self._clock(),
            )
        )

    async def _queue(self, stored: ArchiveStored, judgement: Judgement) -> None:
        run_photos = run_size(judgement.photos, self._topics.partitions)
        published = 0

        async def go_on() -> None:
            nonlocal published
            entries = self._entries_from(published, stored)
            while piece := await asyncio.to_thread(_take_piece, entries):
                await self._publish(stored, piece, run_photos)
                published = piece[-1].index + 1

        try:
            await _done(go_on)
        except StreamappError as error:
            lost = [
                Fault(index, "", error.code, error.detail)
                for index in range(published, judgement.photos)
            ]
            await self._fail(stored, lost)

    def _entries_from(self, index: int, stored: ArchiveStored) -> Iterator[Entry]:
        entries = archive.photos(self._reader(stored), stored.archive_bytes, self._limits)
        return itertools.dropwhile(lambda entry: entry.index < index, entries)

    async def _publish(
        self, stored: ArchiveStored, piece: Sequence[Entry], run_photos: int
    ) -> None:
        queued = (
            (_photo(stored, entry), self._partition(stored, entry, run_photos))
            for entry in piece
            if entry.fault is None
        )
        await self._outlet.queue(lane(stored.priority), queued)
        await self._fail(
            stored,
            [
                Fault(entry.index, entry.name, entry.fault, entry.detail)
                for entry in piece
                if entry.fault is not None
            ],
        )

    def _partition(self, stored: ArchiveStored, entry: Entry, run_photos: int) -> int:
        return self._topics.run_partition(stored.batch, entry.index // run_photos)

    async def _fail(self, stored: ArchiveStored, faults: Sequence[Fault]) -> None:
        # In frames of a run, as everywhere: thousands of long names would not fit one event.
        for start in range(0, len(faults), archive.RUN_PHOTOS):
            frame = faults[start : start + archive.RUN_PHOTOS]
            outcomes = tuple(fault.outcome(self._clock()) for fault in frame)
            await self._outlet.tell(
                PhotosFinished(batch=stored.batch, project=stored.project, outcomes=outcomes)
            )


class Fault(msgspec.Struct, frozen=True):
    """A photo that will not be looked at, and why."""

    index: int
    name: str
    code: Code
    detail: str

    def outcome(self, now: float) -> Outcome:
        """Its final state."""
        return Outcome(
            index=self.index,
            name=self.name,
            state="failed",
            finished_at=now,
            code=self.code.code,
            detail=self.detail,
        )


def run_size(photos: int, partitions: int) -> int:
    """Photos of a run: the most that are fetched together, fewer where a batch is small.

    A small batch is spread over all partitions, so that it keeps all children of all workers busy.
    """
    return max(1, min(archive.RUN_PHOTOS, photos // partitions))


async def _done(action: Callable[[], Awaitable[T]]) -> T:
    """`patiently`, with ``INTERNAL`` for what nobody foresaw: it must cost one batch only."""
    try:
        return await patiently(action)
    except StreamappError:
        raise
    except Exception as error:
        _log.exception("an archive cannot be expanded")
        raise StreamappError(Code.INTERNAL) from error


def _take_piece(entries: Iterator[Entry]) -> list[Entry]:
    return list(itertools.islice(entries, PIECE_PHOTOS))


def _photo(stored: ArchiveStored, entry: Entry) -> PhotoQueued:
    return PhotoQueued(
        batch=stored.batch,
        project=stored.project,
        index=entry.index,
        name=entry.name,
        archive=stored.archive,
        header_offset=entry.header_offset,
        compressed_bytes=entry.compressed_bytes,
        photo_bytes=entry.photo_bytes,
        method=entry.method,
        crc=entry.crc,
    )
