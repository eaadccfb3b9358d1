"""Grouping: neighbours of one archive from one partition become a run, in order, bounded."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from faust.types import TP

from streamapp.archive import RUN_PHOTOS
from streamapp.events import PhotoQueued
from streamapp.stream.backlog import LINGER_S, Backlog, Delivery

if TYPE_CHECKING:
    from streamapp.topics import Lane

PHOTO_BYTES = 1000


def delivery(
    index: int, *, batch: str = "b1", partition: int = 0, lane: Lane = "normal"
) -> Delivery:
    photo = PhotoQueued(
        batch=batch,
        project="p",
        index=index,
        name=f"{index}.jpg",
        archive=f"archives/{batch}.zip",
        header_offset=index * PHOTO_BYTES,
        compressed_bytes=PHOTO_BYTES - 50,
        photo_bytes=PHOTO_BYTES,
        method=0,
        crc=0,
    )
    message = SimpleNamespace(tp=TP(f"photos-{lane}", partition), offset=index)
    return Delivery(cast("Any", SimpleNamespace(message=message)), photo, lane)


async def backlog(*deliveries: Delivery) -> Backlog:
    made = Backlog(lane_photos_max=1000, clock=time.monotonic)
    for each in deliveries:
        await made.put(each)
    return made


def indexes(run: list[Delivery]) -> list[int]:
    return [each.photo.index for each in run]


async def test_neighbours_are_taken_together() -> None:
    waiting = await backlog(*(delivery(index) for index in range(5)))
    assert indexes(await waiting.take()) == [0, 1, 2, 3, 4]


async def test_a_run_has_a_greatest_length() -> None:
    waiting = await backlog(*(delivery(index) for index in range(RUN_PHOTOS + 3)))
    assert len(await waiting.take()) == RUN_PHOTOS
    assert len(await waiting.take()) == 3


async def test_another_batch_is_another_run() -> None:
    waiting = await backlog(delivery(0), delivery(1), delivery(2, batch="b2"))
    assert indexes(await waiting.take()) == [0, 1]
    assert indexes(await waiting.take()) == [2]


async def test_partitions_are_not_mixed_and_take_turns() -> None:
    first = [delivery(index, partition=0) for index in range(RUN_PHOTOS * 2)]
    second = [delivery(index, partition=1) for index in range(500, 500 + RUN_PHOTOS)]
    waiting = await backlog(*first, *second)
    runs = [await waiting.take() for _ in range(3)]
    assert [{each.partition.partition for each in run} for run in runs] == [{0}, {1}, {0}]


async def test_a_small_batch_is_not_behind_what_waits_of_a_large_one() -> None:
    large = [delivery(index) for index in range(RUN_PHOTOS * 9)]
    waiting = await backlog(*large, delivery(0, batch="small"), delivery(99, batch="small"))
    runs = [await waiting.take() for _ in range(3)]
    assert [run[0].photo.batch for run in runs] == ["b1", "small", "b1"]


async def test_batches_that_take_turns_in_a_partition_keep_their_runs() -> None:
    mixed = [delivery(n, batch=batch) for n in range(RUN_PHOTOS) for batch in ("b1", "b2")]
    waiting = await backlog(*mixed)
    assert [len(await waiting.take()) for _ in range(2)] == [RUN_PHOTOS, RUN_PHOTOS]


async def test_a_run_that_may_still_grow_waits_a_moment_for_its_next_photo() -> None:
    waiting = Backlog(lane_photos_max=10, clock=time.monotonic)
    taking = asyncio.create_task(waiting.take())
    for index in range(3):
        await waiting.put(delivery(index))
        await asyncio.sleep(0)
    assert indexes(await taking) == [0, 1, 2]


async def test_whoever_puts_waits_while_it_is_full() -> None:
    waiting = Backlog(lane_photos_max=2, clock=time.monotonic)
    await waiting.put(delivery(0))
    await waiting.put(delivery(1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting.put(delivery(2)), 0.05)
    await waiting.take()
    await asyncio.wait_for(waiting.put(delivery(2)), 1)


async def test_the_lanes_share_the_runs_by_their_weights() -> None:
    runs_of: dict[Lane, int] = {"high": 6, "normal": 3, "low": 4}
    waiting = await backlog(
        *(
            delivery(n, batch=lane, lane=lane)
            for lane, runs in runs_of.items()
            for n in range(RUN_PHOTOS * runs)
        )
    )
    served = [(await waiting.take())[0].photo.batch for _ in range(10)]
    assert Counter(served) == {"high": 6, "normal": 3, "low": 1}
    assert [(await waiting.take())[0].photo.batch for _ in range(3)] == ["low"] * 3


async def test_what_comes_on_a_higher_lane_is_next() -> None:
    waiting = await backlog(*(delivery(n, lane="low") for n in range(RUN_PHOTOS * 9)))
    for _ in range(4):
        await waiting.take()
    await waiting.put(delivery(0, batch="small", lane="high"))
    await asyncio.sleep(LINGER_S)
    assert (await waiting.take())[0].photo.batch == "small"


async def test_a_lane_that_is_full_keeps_no_other_out() -> None:
    waiting = Backlog(lane_photos_max=2, clock=time.monotonic)
    await waiting.put(delivery(0, lane="low"))
    await waiting.put(delivery(1, lane="low"))
    blocked = asyncio.create_task(waiting.put(delivery(2, lane="low")))
    await asyncio.wait_for(waiting.put(delivery(0, lane="high")), 1)
    assert not blocked.done()
    blocked.cancel()


async def test_what_was_forgotten_is_not_taken() -> None:
    waiting = await backlog(delivery(0), delivery(1))
    waiting.clear()
    await waiting.put(delivery(7))
    assert indexes(await waiting.take()) == [7]
