"""What a turn publishes: claim checks, outcomes of what cannot be worked on, checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from streamapp import archive
from streamapp.events import (
    QUEUED_NAME_CHARACTERS_MAX,
    WHOLE_OBJECT,
    ExpansionAdvanced,
    Outcome,
    PhotoQueued,
    PhotosFinished,
)
from streamapp.keys import FIRST_RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamapp.archive import Entry
    from streamapp.errors import Code, StreamappError
    from streamapp.events import Cursor
    from streamapp.stream.load import Turn
    from streamapp.stream.outlet import Outlet
    from streamapp.stream.pieces import Piece
    from streamapp.topics import Topics


class Publication:
    """Publishes pieces; durable when a call returns."""

    def __init__(self, outlet: Outlet, *, topics: Topics, clock: Callable[[], float]) -> None:
        self._outlet = outlet
        self._topics = topics
        self._clock = clock

    async def queue(self, turn: Turn, piece: Piece) -> Cursor:
        """Publish a piece of the turn's part: its photos, its failures, the checkpoint.

        Returns:
            How far the part is queued now.
        """
        await self._outlet.queue(
            turn.batch.lane,
            [self._photo(turn, entry) for entry in piece.entries if entry.fault is None],
        )
        await self._fail(
            turn,
            [
                self._failed(turn, entry.index, entry.fault, entry.name, entry.detail)
                for entry in piece.entries
                if entry.fault is not None
            ],
        )
        await self._checkpoint(turn, piece.after, _names(turn, piece))
        return piece.after

    async def give_up(self, turn: Turn, error: StreamappError) -> Cursor:
        """Fail the photos of the turn, which cannot be listed any more; returns as `queue`."""
        indexes = turn.batch.next_indexes(turn.part, turn.photos)
        await self._fail(
            turn, [self._failed(turn, index, error.code, "", error.detail) for index in indexes]
        )
        behind = structs.replace(turn.part.cursor, index=indexes[-1] + 1)
        cursor = turn.batch.passing(turn.part, behind)
        if cursor.index == turn.part.photos:
            await self._checkpoint(turn, cursor)
        return cursor

    async def _checkpoint(
        self, turn: Turn, cursor: Cursor, names: tuple[tuple[int, str], ...] = ()
    ) -> None:
        state = turn.batch.state
        await self._outlet.tell(
            ExpansionAdvanced(
                batch=state.batch,
                project=state.project,
                first_index=turn.part.first_index,
                cursor=cursor,
                run=turn.batch.run.run,
                names=names,
            )
        )

    async def _fail(self, turn: Turn, outcomes: Sequence[Outcome]) -> None:
        state = turn.batch.state
        # In frames of a run, as everywhere: hundreds of long names would not fit one event.
        for start in range(0, len(outcomes), archive.RUN_PHOTOS):
            frame = tuple(outcomes[start : start + archive.RUN_PHOTOS])
            await self._outlet.tell(
                PhotosFinished(
                    batch=state.batch,
                    project=state.project,
                    outcomes=frame,
                    run=turn.batch.run.run,
                )
            )

    def _failed(self, turn: Turn, index: int, code: Code, name: str, detail: str) -> Outcome:
        return Outcome(
            index=turn.part.first_index + index,
            name=name,
            state="failed",
            finished_at=self._clock(),
            code=code.code,
            detail=detail,
        )

    def _photo(self, turn: Turn, entry: Entry) -> tuple[PhotoQueued, int]:
        """The claim check of an entry, and its partition."""
        state, part = turn.batch.state, turn.part
        photo = PhotoQueued(
            batch=state.batch,
            project=state.project,
            index=part.first_index + entry.index,
            name=entry.name,
            archive=entry.name if entry.method == WHOLE_OBJECT else part.archive,
            header_offset=entry.header_offset,
            compressed_bytes=entry.compressed_bytes,
            photo_bytes=entry.photo_bytes,
            method=entry.method,
            crc=entry.crc,
            run=turn.batch.run.run,
            settings=turn.batch.run.settings,
        )
        photos = turn.batch.photos_in(part, 0, part.photos or 0)
        run = photo.index // run_photos(photos, self._topics.partitions)
        return photo, self._topics.run_partition(state.batch, run)


def _names(turn: Turn, piece: Piece) -> tuple[tuple[int, str], ...]:
    """The photos of a piece that are queued for the first time."""
    if turn.batch.run.run != FIRST_RUN:
        return ()
    return tuple(
        (turn.part.first_index + entry.index, entry.name[:QUEUED_NAME_CHARACTERS_MAX])
        for entry in piece.entries
        if entry.fault is None
    )


def run_photos(photos: int, partitions: int) -> int:
    """Photos of a run: the most that are fetched together, fewer where a part is small.

    A small part is spread over all partitions, so that it keeps all children of all workers busy.
    """
    return max(1, min(archive.RUN_PHOTOS, photos // partitions))
