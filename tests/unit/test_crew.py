"""What the children tell of themselves: wanted, alive, busy, replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from streamapp.vision.children import Children

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streamapp.vision.crew import Crew

PATIENCE_S = 20.0


def nothing() -> None:
    pass


def wait() -> None:
    time.sleep(60)


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    children = Children(count=2, initializer=nothing, memory_bytes_max=1 << 30, recycle_after=1000)
    yield children
    await children.close()


async def crew_that(children: Children, is_so: Callable[[Crew], bool]) -> Crew:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so(children.crew):
        assert time.monotonic() < deadline, children.crew
        await asyncio.sleep(0.02)
    return children.crew


async def test_before_the_start_there_are_none(children: Children) -> None:
    assert children.crew == (2, 0, 0, 0)


async def test_after_the_start_all_are_there_and_idle(children: Children) -> None:
    await children.start()
    assert await crew_that(children, lambda crew: crew.busy == 0) == (2, 2, 0, 0)


async def test_a_child_with_a_job_is_busy_and_one_that_is_killed_is_replaced(
    children: Children,
) -> None:
    await children.start()
    job = asyncio.create_task(children.run(wait, limit_s=60))
    await crew_that(children, lambda crew: crew.busy == 1)
    os.kill(children._pids()[0], signal.SIGKILL)
    assert (await crew_that(children, lambda crew: crew.replaced == 1)).wanted == 2
    assert (await crew_that(children, lambda crew: crew.alive == 2)).replaced == 1
    job.cancel()


async def test_children_that_are_closed_are_none(children: Children) -> None:
    await children.start()
    await children.close()
    assert children.crew == (2, 0, 0, 0)
