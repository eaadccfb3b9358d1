"""A job may hang, die or grow: it costs its child, and neither its neighbours nor the parent."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from streamapp.crop_run import alarm
from streamapp.errors import Code, StreamappError
from streamapp.vision.child import ChildUnfit
from streamapp.vision.children import Children
from streamapp.vision.cores import quota_cores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MIB = 1024 * 1024


def no_start() -> None:
    pass


def bad_start() -> None:
    raise StreamappError(Code.MODEL_MISMATCH, "bad start")


def child_pid() -> int:
    return os.getpid()


def hang() -> None:
    while True:
        pass


def hang_on_a_photo() -> None:
    with alarm(0.3):
        hashlib.pbkdf2_hmac("sha256", b"never", b"back", 1_000_000_000)  # holds on inside C


def pause_after_a_photo() -> bool:
    with alarm(0.1):
        pass
    time.sleep(0.3)
    return True


def linger(file: Path) -> None:
    file.touch()
    hang()


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hog(size: int) -> int:
    return len(b"x" * size)


def refuse(detail: str) -> None:
    raise StreamappError(Code.PHOTO_BROKEN, detail)


def speak() -> None:
    os.write(2, b"said by a library")
    sys.stderr.write("said by Python\n")


def time_out() -> None:
    raise TimeoutError("of the job's own")


class Unreadable(Exception):  # noqa: N818 - it is an exception that cannot be copied
    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} {second}")


def raise_unreadable() -> None:
    raise Unreadable(1, 2)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def until(holds: Callable[[], bool], patience_s: float = 10) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    pool = Children(count=2, initializer=no_start, memory_bytes_max=1024 * MIB)
    yield pool
    await pool.close()


async def test_a_job_that_hangs_is_killed_and_its_neighbour_is_not(children: Children) -> None:
    hanging = asyncio.create_task(children.run(hang, limit_s=0.5))
    assert [await children.run(child_pid, limit_s=5) for _ in range(20)]
    with pytest.raises(StreamappError) as caught:
        await hanging
    assert caught.value.code is Code.CHILD_STUCK


async def test_a_photo_that_hangs_rings_the_alarm(children: Children) -> None:
    with pytest.raises(StreamappError) as caught:
        await children.run(hang_on_a_photo, limit_s=20)
    assert caught.value.code is Code.PHOTO_TIMED_OUT


async def test_the_alarm_is_silent_after_the_photo(children: Children) -> None:
    assert await children.run(pause_after_a_photo, limit_s=20)


async def test_the_time_in_the_queue_does_not_count(children: Children) -> None:
    jobs = [asyncio.create_task(children.run(time.sleep, 0.4, limit_s=1)) for _ in range(8)]
    await asyncio.gather(*jobs)


async def test_a_job_that_dies_is_a_code_and_the_next_one_works(children: Children) -> None:
    with pytest.raises(StreamappError) as caught:
        await children.run(kill_self, limit_s=5)
    assert caught.value.code is Code.PHOTO_CRASHED
    assert await children.run(child_pid, limit_s=5) > 0


async def test_children_killed_between_jobs_are_replaced(children: Children) -> None:
    pid = await children.run(child_pid, limit_s=5)
    for child in psutil.Process(psutil.Process(pid).ppid()).children():
        child.kill()
    await until(lambda: gone(pid))
    assert await children.run(child_pid, limit_s=5) != pid


async def test_a_job_that_grows_too_much_is_a_code(children: Children) -> None:
    assert await children.run(hog, 256 * MIB, limit_s=5) == 256 * MIB
    with pytest.raises(StreamappError, match="out of memory") as caught:
        await children.run(hog, 2048 * MIB, limit_s=5)
    assert caught.value.code is Code.PHOTO_CRASHED


async def test_an_error_of_the_catalogue_passes_whole(children: Children) -> None:
    with pytest.raises(StreamappError) as caught:
        await children.run(refuse, "a scratch", limit_s=5)
    assert (caught.value.code, caught.value.detail) == (Code.PHOTO_BROKEN, "a scratch")


async def test_a_timeout_of_the_jobs_own_is_not_taken_for_its_limit(children: Children) -> None:
    with pytest.raises(TimeoutError, match="of the job's own"):
        await children.run(time_out, limit_s=5)


async def test_an_error_that_cannot_be_copied_still_arrives(children: Children) -> None:
    with pytest.raises(RuntimeError, match="Unreadable"):
        await children.run(raise_unreadable, limit_s=5)
    assert await children.run(child_pid, limit_s=5) > 0


async def test_children_that_cannot_start_say_so_at_the_start_and_at_every_job() -> None:
    pool = Children(count=1, initializer=bad_start, memory_bytes_max=1024 * MIB)
    with pytest.raises(ChildUnfit, match="bad start"):
        await pool.start()
    with pytest.raises(ChildUnfit, match="bad start"):
        await pool.run(child_pid, limit_s=5)
    await pool.close()


async def test_cancelling_a_job_ends_its_child(children: Children, tmp_path: Path) -> None:
    file = tmp_path / "started"
    job = asyncio.create_task(children.run(linger, file, limit_s=60))
    await until(file.exists)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert await asyncio.gather(*(children.run(child_pid, limit_s=5) for _ in range(4)))


async def test_children_cancelled_at_their_start_are_closed_like_others(
    children: Children,
) -> None:
    starting = asyncio.create_task(children.start())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await children.close()
    await asyncio.get_running_loop().shutdown_default_executor()  # whatever still starts them
    assert multiprocessing.active_children() == []


def test_what_libraries_say_of_a_photo_is_not_passed_on() -> None:
    program = """
import asyncio
from tests.unit.test_children import Children, MIB, no_start, speak
async def main():
    children = Children(count=1, initializer=no_start, memory_bytes_max=512 * MIB)
    await children.run(speak, limit_s=30)
    await children.close()
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert b"said by Python" in done.stderr
    assert b"said by a library" not in done.stderr


async def test_a_child_leaves_ctrl_c_to_the_parent(children: Children) -> None:
    pid = await children.run(child_pid, limit_s=5)
    os.kill(pid, signal.SIGINT)
    assert await children.run(child_pid, limit_s=5) > 0
    assert not gone(pid)


PARENT = """
import asyncio, sys
from streamapp.vision.children import Children
from tests.unit.test_children import child_pid, hang, no_start

async def main():
    children = Children(count=2, initializer=no_start, memory_bytes_max=2**30)
    print(await children.run(child_pid, limit_s=5), flush=True)
    if sys.argv[1] == "busy":
        await asyncio.gather(*(children.run(hang, limit_s=600) for _ in range(2)))
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("state", ["busy", "idle"])
async def test_no_child_outlives_a_parent_that_is_killed(state: str) -> None:
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(  # noqa: ASYNC220 - it only starts it
        [sys.executable, "-c", PARENT, state],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(root)},
        cwd=root,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        await asyncio.to_thread(parent.stdout.readline)
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) >= 3
    if state == "busy":
        await until(lambda: sum(one.cpu_times().user > 0.1 for one in family) >= 2)
    parent.kill()
    parent.wait()
    await until(lambda: all(gone(one.pid) for one in family))


@pytest.mark.parametrize(
    ("files", "membership", "expected"),
    [
        ({"cpu.max": "150000 100000"}, "0::/", 1.5),
        ({"cpu.max": "max 100000"}, "0::/", float("inf")),
        ({"pod/cpu.max": "400000 100000", "pod/box/cpu.max": "max 100000"}, "0::/pod/box", 4.0),
        (
            {"cpu/box/cpu.cfs_quota_us": "50000", "cpu/box/cpu.cfs_period_us": "100000"},
            "5:cpu,cpuacct:/box",
            0.5,
        ),
        ({"cpu/cpu.cfs_quota_us": "-1"}, "5:cpu:/", float("inf")),
        ({}, "", float("inf")),
    ],
)
def test_the_tightest_quota_of_the_control_groups_counts(
    tmp_path: Path, files: dict[str, str], membership: str, expected: float
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert quota_cores(tmp_path, membership) == expected
