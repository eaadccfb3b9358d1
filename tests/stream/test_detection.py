"""From deliveries to acknowledged outcomes: in order, durable first, only the guilty fail."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from faust.types import TP

from streamapp.errors import Code, StreamappError
from streamapp.events import (
    Attempt,
    Outcome,
    PhotoQueued,
    PhotosFinished,
    decode_attempts,
    encode,
)
from streamapp.stream import detect, patience
from streamapp.stream.backlog import Delivery
from streamapp.stream.circuit import Circuit
from streamapp.stream.control import Control
from streamapp.stream.detect import Detection
from streamapp.stream.metrics import Metrics
from streamapp.stream.retry import Retries
from streamapp.topics import Topics
from streamapp.vision.child import ChildUnfit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamapp.stream.outlet import Message

PARTITION = TP("photos-normal", 0)


class App:
    """What an event knows of its app."""

    should_stop = False
    revoked_generation = 0
    consumer_generation_id = 1


class Event:
    """A delivered event that notes its acknowledgement."""

    def __init__(self, app: App, acked: list[int], offset: int) -> None:
        self.app = app
        self.headers: dict[str, bytes] = {}
        self.message = SimpleNamespace(
            tp=PARTITION, offset=offset, generation_id=app.consumer_generation_id
        )
        self._acked = acked

    def ack(self) -> None:
        self._acked.append(self.message.offset)


class Outlet:
    """Keeps the frames; ``acked_before`` is what was acknowledged when each came."""

    def __init__(self, acked: list[int]) -> None:
        self.frames: list[PhotosFinished] = []
        self.acked_before: list[list[int]] = []
        self.put_aside: list[tuple[int, Message]] = []
        self.buried: list[Message] = []
        self._acked = acked

    async def put_off(self, failures: int, photo: Message) -> None:
        self.put_aside.append((failures, photo))

    async def bury(self, photo: Message) -> None:
        self.buried.append(photo)

    async def tell(self, event: PhotosFinished) -> None:
        await asyncio.sleep(0)
        self.acked_before.append(list(self._acked))
        self.frames.append(event)

    @property
    def states(self) -> dict[int, str | None]:
        return {o.index: o.code for frame in self.frames for o in frame.outcomes}


class Children:
    """Runs ``work`` on the indexes of a run, in this process."""

    count = 2

    def __init__(self, work: Callable[[Sequence[int]], None]) -> None:
        self.runs: list[list[int]] = []
        self.started = False
        self._work = work

    async def start(self) -> None:
        self.started = True

    async def run(
        self, _function: object, photos: Sequence[PhotoQueued], *, limit_s: float
    ) -> tuple[Outcome, ...]:
        assert limit_s > 0
        indexes = [photo.index for photo in photos]
        self.runs.append(indexes)
        await asyncio.sleep(0.001 * (indexes[0] % 3))
        self._work(indexes)
        return tuple(
            Outcome(index=index, name="", state="completed", finished_at=1.0) for index in indexes
        )


def photo(index: int) -> PhotoQueued:
    return PhotoQueued(
        batch="b1",
        project="p",
        index=index,
        name=f"{index}.jpg",
        archive="archives/b1.zip",
        header_offset=1000 * index,
        compressed_bytes=900,
        photo_bytes=900,
        method=0,
        crc=0,
    )


class Bench:
    """A detection over stand-ins at its edges."""

    def __init__(self, work: Callable[[Sequence[int]], None] = lambda _: None) -> None:
        self.app = App()
        self.acked: list[int] = []
        self.outlet = Outlet(self.acked)
        self.children = Children(work)
        self.detection = Detection(
            cast("Any", self.outlet),
            control=Control(lambda: 1.0),
            retries=Retries(
                cast("Any", self.outlet),
                Topics(partitions=1),
                metrics=Metrics(),
                retry_delay_s=10,
                clock=lambda: 1.0,
                chance=lambda: 0.5,
            ),
            children=cast("Any", self.children),
            circuit=Circuit("objects", lambda: 1.0),
            metrics=Metrics(),
            photo_time_limit_s=1,
            lane_photos_max=1000,
        )

    def delivery(self, index: int, attempts: tuple[Attempt, ...] = ()) -> Delivery:
        event = Event(self.app, self.acked, index)
        return Delivery(cast("Any", event), photo(index), "normal", attempts)

    async def work_off(self, photos: int, attempts: tuple[Attempt, ...] = ()) -> None:
        """Deliver photos, each after ``attempts``, and serve the slots.

        Until all are acknowledged, or for a moment.
        """
        slots = asyncio.create_task(self.detection.work())
        try:
            async with asyncio.timeout(2):
                for index in range(photos):
                    await self.detection.take(self.delivery(index, attempts))
                while len(self.acked) < photos:
                    if slots.done():
                        slots.result()
                    await asyncio.sleep(0.01)
        finally:
            slots.cancel()
            await asyncio.gather(slots, return_exceptions=True)


async def test_photos_are_acknowledged_in_order_and_after_their_outcomes() -> None:
    bench = Bench()
    await bench.work_off(200)
    assert bench.acked == list(range(200))
    assert bench.outlet.states == dict.fromkeys(range(200))
    for frame, acked in zip(bench.outlet.frames, bench.outlet.acked_before, strict=True):
        assert not {outcome.index for outcome in frame.outcomes} & set(acked)


async def test_a_run_that_kills_its_child_is_done_again_photo_by_photo() -> None:
    def work(indexes: Sequence[int]) -> None:
        if 7 in indexes:
            raise StreamappError(Code.PHOTO_TIMED_OUT)

    bench = Bench(work)
    await bench.work_off(40)
    assert bench.outlet.states == {index: None for index in range(40) if index != 7}
    assert bench.children.runs.count([7]) == 1
    [(failures, message)] = bench.outlet.put_aside
    assert (failures, message.key) == (1, b"b1/7")


FAILED = Attempt(at=0.5, code="photo_crashed", detail="exit code -9")


def times_out(_indexes: Sequence[int]) -> None:
    raise StreamappError(Code.PHOTO_TIMED_OUT)


@pytest.mark.parametrize(("before", "due"), [((), b"11.000"), ((FAILED,), b"41.000")])
async def test_a_photo_that_may_have_met_load_is_put_off_longer_each_time(
    before: tuple[Attempt, ...], due: bytes
) -> None:
    bench = Bench(times_out)
    await bench.work_off(1, before)
    [(failures, message)] = bench.outlet.put_aside
    assert failures == len(before) + 1
    assert message.value == encode(photo(0))
    assert message.partition == PARTITION.partition
    assert message.headers is not None
    assert message.headers["lane"] == b"normal"
    assert message.headers["due"] == due
    now = Attempt(at=1.0, code="photo_timed_out")
    assert decode_attempts(message.headers["attempts"]) == (*before, now)
    assert bench.outlet.frames == []


async def test_after_its_last_attempt_a_photo_fails_and_is_buried_with_its_history() -> None:
    bench = Bench(times_out)
    await bench.work_off(1, (FAILED, FAILED))
    assert bench.outlet.put_aside == []
    assert bench.outlet.states == {0: "photo_timed_out"}
    [message] = bench.outlet.buried
    assert message.headers is not None
    codes = [attempt.code for attempt in decode_attempts(message.headers["attempts"])]
    assert codes == ["photo_crashed", "photo_crashed", "photo_timed_out"]


async def test_a_photo_that_is_bad_for_good_is_neither_put_off_nor_buried() -> None:
    def work(_indexes: Sequence[int]) -> None:
        raise StreamappError(Code.PHOTO_BROKEN)

    bench = Bench(work)
    await bench.work_off(1)
    assert bench.outlet.states == {0: "photo_broken"}
    assert bench.outlet.put_aside == []
    assert bench.outlet.buried == []


async def test_what_has_failed_before_is_worked_on_alone() -> None:
    bench = Bench()
    await bench.work_off(4, (FAILED,))
    assert sorted(bench.children.runs) == [[0], [1], [2], [3]]


async def test_a_store_that_is_away_fails_no_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_S", 0.001)
    away = iter([StreamappError(Code.STORE_AWAY)] * 5 + [StreamappError(Code.CHILD_STUCK)])

    def work(_indexes: Sequence[int]) -> None:
        if error := next(away, None):
            raise error

    bench = Bench(work)
    await bench.work_off(10)
    assert bench.outlet.states == dict.fromkeys(range(10))


async def test_children_that_cannot_work_end_the_slots_and_fail_no_photo() -> None:
    def work(_indexes: Sequence[int]) -> None:
        raise ChildUnfit("no model")

    bench = Bench(work)
    with pytest.raises(ChildUnfit):
        await bench.work_off(3)
    assert bench.outlet.frames == []
    assert bench.acked == []


async def test_after_a_rebalance_nothing_is_told_or_acknowledged_for_what_was_before() -> None:
    bench: Bench

    def work(_indexes: Sequence[int]) -> None:
        bench.app.consumer_generation_id = 2

    bench = Bench(work)
    with pytest.raises(TimeoutError):
        await bench.work_off(3)
    assert bench.outlet.frames == []
    assert bench.acked == []


async def test_nothing_is_told_between_two_generations() -> None:
    bench: Bench

    def work(_indexes: Sequence[int]) -> None:
        bench.app.revoked_generation = 1

    bench = Bench(work)
    with pytest.raises(TimeoutError):
        await bench.work_off(3)
    assert bench.outlet.frames == []
    assert bench.acked == []


async def test_before_the_end_what_is_in_hand_is_told_and_acknowledged_and_no_more_is_taken() -> (
    None
):
    bench = Bench()
    for index in range(200):
        await bench.detection.take(bench.delivery(index))
    slots = asyncio.create_task(bench.detection.work())
    while not bench.children.runs:
        await asyncio.sleep(0)
    async with asyncio.timeout(2):
        await bench.detection.finish()
        await slots
    begun = {index for run in bench.children.runs for index in run}
    assert begun == set(bench.outlet.states) == set(bench.acked)
    assert 0 < len(begun) < 200


async def test_a_worker_that_did_not_begin_yet_ends_at_once_and_begins_nothing() -> None:
    bench = Bench()
    await bench.detection.take(bench.delivery(0))
    async with asyncio.timeout(2):
        await bench.detection.finish()
        await bench.detection.work()
    assert bench.children.runs == []
    assert bench.acked == []


async def test_an_event_that_holds_no_photo_is_acknowledged_in_its_turn() -> None:
    bench = Bench()
    await bench.detection.take(bench.delivery(0))
    bench.detection.pass_over(bench.delivery(1).event)
    assert bench.acked == []
    slot = asyncio.create_task(bench.detection.work())
    async with asyncio.timeout(2):
        while bench.acked != [0, 1]:
            await asyncio.sleep(0.01)
    slot.cancel()


@pytest.mark.parametrize(("photos", "waits"), [(8, False), (9, True)])
async def test_the_window_of_a_partition_is_bounded(
    *, photos: int, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detect, "WINDOW_PHOTOS_MAX", 9)
    bench = Bench()
    taking = [asyncio.create_task(bench.detection.take(bench.delivery(n))) for n in range(photos)]
    _, waiting = await asyncio.wait(taking, timeout=0.1)
    assert bool(waiting) is waits
    slot = asyncio.create_task(bench.detection.work())
    await asyncio.wait_for(asyncio.gather(*taking), 2)
    slot.cancel()


async def test_who_waits_for_the_window_of_a_partition_goes_on_when_it_is_given_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is in hand is acknowledged no more, so nothing else would let its agent go on."""
    monkeypatch.setattr(detect, "WINDOW_PHOTOS_MAX", 3)
    bench = Bench()
    taking = [asyncio.create_task(bench.detection.take(bench.delivery(n))) for n in range(3)]
    _, waiting = await asyncio.wait(taking, timeout=0.1)
    assert len(waiting) == 1
    bench.app.revoked_generation = bench.app.consumer_generation_id
    await bench.detection.give_away()
    await asyncio.wait_for(asyncio.gather(*waiting), 2)
    bench.app.consumer_generation_id += 1
    await bench.work_off(2)
    assert bench.acked == [0, 1]
