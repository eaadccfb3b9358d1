"""Whatever befalls an archive, every photo of it ends in one state or the batch is rejected."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from typing import TYPE_CHECKING, cast

import pytest

from streamapp.archive import RUN_PHOTOS, Limits
from streamapp.errors import Code, StreamappError
from streamapp.events import (
    ArchiveStored,
    BatchOpened,
    BatchRejected,
    PhotoQueued,
    PhotosFinished,
    encode,
)
from streamapp.stream import patience
from streamapp.stream.expand import Expansion
from streamapp.stream.outlet import EVENT_BYTES_MAX, Outlet
from streamapp.topics import Lane, Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connectors.objects.interface import ObjectStore
    from streamapp.events import BatchLogEvent

TOPICS = Topics(partitions=4)


class Recorder:
    """The outlet's two methods; keeps what is published."""

    def __init__(self) -> None:
        self.log: list[BatchLogEvent] = []
        self.queued: list[tuple[Lane, PhotoQueued, int]] = []

    async def tell(self, event: BatchLogEvent) -> None:
        self.log.append(event)

    async def queue(self, lane: Lane, photos: Iterable[tuple[PhotoQueued, int]]) -> None:
        self.queued += [(lane, photo, partition) for photo, partition in photos]

    @property
    def states(self) -> Counter[int]:
        """How often each index was queued or told to have failed."""
        told = [o.index for e in self.log if isinstance(e, PhotosFinished) for o in e.outcomes]
        return Counter([*told, *(photo.index for _, photo, _ in self.queued)])


class Archive:
    """A store of one object; ``fault`` is asked before each read."""

    def __init__(self, content: bytes, fault: Callable[[int], Exception | None]) -> None:
        self.content = content
        self.reads = 0
        self._fault = fault

    def read(self, _key: str, start: int, length: int) -> bytes:
        self.reads += 1
        if error := self._fault(self.reads):
            raise error
        return self.content[start : start + length]


def zipped(names: Iterable[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name in names:
            opened.writestr(name, b"pixels")
    return buffer.getvalue()


async def expand(
    content: bytes, fault: Callable[[int], Exception | None] = lambda _: None, priority: int = 5
) -> tuple[Recorder, Archive]:
    recorder, store = Recorder(), Archive(content, fault)
    expansion = Expansion(
        cast("Outlet", recorder),
        objects=cast("ObjectStore", store),
        limits=Limits(),
        topics=TOPICS,
        clock=lambda: 1.0,
    )
    await expansion.run(
        ArchiveStored(
            batch="b1",
            project="p",
            priority=priority,
            archive="archives/b1.zip",
            archive_bytes=len(content),
            name="photos.zip",
            photos=0,
            skipped=0,
            stored_at=1.0,
        )
    )
    return recorder, store


NAMES = [f"{n:04d}.jpg" for n in range(1200)]
READS = 4
"""Of an expansion of these: the directory's end and the directory, to judge and to publish."""


async def test_the_faults_below_befall_every_read() -> None:
    _, store = await expand(zipped(NAMES))
    assert store.reads == READS


async def test_a_batch_is_opened_with_the_exact_total_before_any_photo() -> None:
    recorder, _ = await expand(zipped([*NAMES[:10], "__MACOSX/x.jpg"]))
    opening = recorder.log[0]
    assert isinstance(opening, BatchOpened)
    assert (opening.photos, opening.skipped) == (10, 1)
    assert recorder.states == dict.fromkeys(range(10), 1)


async def test_runs_of_neighbours_share_a_partition_and_take_turns() -> None:
    recorder, _ = await expand(zipped(NAMES))
    partitions = [partition for _, _, partition in recorder.queued]
    runs = [partitions[start : start + RUN_PHOTOS] for start in range(0, 1200, RUN_PHOTOS)]
    assert all(len(set(run)) == 1 for run in runs)
    assert {run[0] for run in runs} == set(range(TOPICS.partitions))


async def test_a_small_batch_is_spread_over_all_partitions() -> None:
    recorder, _ = await expand(zipped(NAMES[:8]))
    assert Counter(partition for _, _, partition in recorder.queued) == {0: 2, 1: 2, 2: 2, 3: 2}


async def test_the_priority_chooses_the_lane() -> None:
    recorder, _ = await expand(zipped(NAMES[:1]), priority=9)
    assert [lane for lane, _, _ in recorder.queued] == ["low"]


async def test_faulty_entries_fail_in_frames_that_fit_an_event() -> None:
    names = [f"{n:03d}" + "長" * 1100 for n in range(300)]
    recorder, _ = await expand(zipped([*names, "good.jpg"]))
    frames = [event for event in recorder.log if isinstance(event, PhotosFinished)]
    assert max(len(encode(frame)) for frame in frames) < EVENT_BYTES_MAX
    assert {o.code for frame in frames for o in frame.outcomes} == {"entry_path"}
    assert recorder.states == dict.fromkeys(range(301), 1)


@pytest.mark.parametrize("at", range(1, READS + 1))
@pytest.mark.parametrize("error", [StreamappError(Code.OBJECT_MISSING), ZeroDivisionError()])
async def test_a_fault_at_any_read_leaves_no_photo_without_an_end(
    at: int, error: Exception
) -> None:
    recorder, _ = await expand(zipped(NAMES), lambda read: error if read >= at else None)
    rejected = [event for event in recorder.log if isinstance(event, BatchRejected)]
    opened = [event for event in recorder.log if isinstance(event, BatchOpened)]
    assert len(rejected) + len(opened) == 1
    if opened:
        assert recorder.states == dict.fromkeys(range(1200), 1)


@pytest.mark.parametrize("at", range(1, READS + 1))
async def test_an_outage_at_any_read_is_waited_out(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    away = StreamappError(Code.STORE_AWAY)
    recorder, _ = await expand(zipped(NAMES), lambda read: away if read == at else None)
    assert set(recorder.states) == set(range(1200))
    assert not [event for event in recorder.log if not isinstance(event, BatchOpened)]
