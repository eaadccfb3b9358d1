"""What a run may add to the progress of its batch is known before it begins."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from pyroaring import BitMap

from connectors.objects.folder import FolderStore
from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.events import ArchiveStored, Cursor, ExpansionAdvanced, RunPart, RunStarted
from streamapp.progress import Progress
from streamapp.replay import Starts, Wish
from streamapp.replay.candidate import Candidate
from streamapp.replay.start import MESSAGE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

BATCH = "b" * 32
PART_PHOTOS = 4000
PARTS = 25
PHOTOS = PARTS * PART_PHOTOS


def starting(photos: BitMap) -> RunStarted:
    firsts = range(0, PHOTOS, PART_PHOTOS)
    return RunStarted(
        batch=BATCH,
        project="p",
        run=2,
        started_at=1_700_000_000.0,
        priority=5,
        photos=photos.serialize(),
        parts=tuple(
            RunPart(first_index=n, archive="\N{PILE OF POO}" * 256, archive_bytes=1, photos=4000)
            for n in firsts
        ),
        settings=(("FACES", "all"),),
    )


def scattered(indexes: Iterable[int], share: float) -> BitMap:
    chance = random.Random(1)  # noqa: S311 - any will do
    return BitMap(index for index in indexes if chance.random() < share)


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.1, 0.5, 1.0])
def test_whatever_becomes_of_its_photos_a_run_adds_no_more_than_it_was_said_to(
    share: float,
) -> None:
    photos = scattered(range(PHOTOS), share)
    started = starting(photos)
    state = progress.fold(Progress(batch=BATCH), started)
    for part in started.parts:
        cursor = Cursor(index=part.photos - 1, entry_at=1 << 40, inner=1_000_000)
        event = ExpansionAdvanced(
            batch=BATCH, project="p", run=2, first_index=part.first_index, cursor=cursor
        )
        state = progress.fold(state, event)
    finished = scattered(photos, 0.5)
    [run] = state.runs
    worst = progress.Run(
        **{name: getattr(run, name) for name in run.__struct_fields__}
        | {
            "finished": finished.serialize(),
            "failed": scattered(finished, 0.5).serialize(),
            "due": (photos - finished).serialize(),
            "passed_over": scattered(photos - finished, 0.5).serialize(),
            "processed": len(finished),
            "finished_at": 1_700_000_000.0,
            "cancelled_at": 1_700_000_000.0,
            "swept": PHOTOS,
        }
    )
    before = len(progress.encode(Progress(batch=BATCH)))
    after = len(progress.encode(Progress(batch=BATCH, runs=(worst,))))
    assert after - before <= progress.bytes_max(started)


class Log:
    """A batch log that remembers."""

    def __init__(self) -> None:
        self.published: list[RunStarted] = []

    def batches_since(self, offset: int, partition: int | None) -> AsyncIterator[str]:
        raise NotImplementedError(offset, partition)

    async def publish(self, event: RunStarted) -> None:
        self.published.append(event)


async def test_a_run_begins_when_its_batch_has_room_for_it_to_the_byte_and_not_beyond(
    tmp_path: Path,
) -> None:
    store, log = FolderStore(tmp_path), Log()
    store.prepare()
    starts = Starts(store, log, lambda: 1_700_000_000.0)
    part = ArchiveStored(
        batch=BATCH,
        project="p",
        priority=5,
        archive="archives/b.zip",
        archive_bytes=1,
        name="b.zip",
        photos=9,
        stored_at=1.0,
    )

    async def begun(external_id: str) -> int:
        state = Progress(batch=BATCH, external_id=external_id)
        run = (await starts.begin(Candidate(state, (part,), BitMap(range(9))), Wish())).run
        return len(progress.encode(state)) + progress.bytes_max(run)

    full = "x" * 800_000
    full += "x" * (MESSAGE_BYTES_MAX - await begun(full))
    assert await begun(full) == MESSAGE_BYTES_MAX
    before = list(log.published)
    with pytest.raises(StreamappError) as refusal:
        await begun(full + "x")
    assert refusal.value.code is Code.BATCH_FULL
    assert log.published == before
