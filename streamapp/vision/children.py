"""Child processes for work that may hang, die or grow: a photo costs a child, never the worker.

A child that overruns its limit is killed, one that dies is replaced, and its neighbours go on. The
limit counts from the start of the work, not from its queuing. Children are forked from a server
that has loaded the vision modules and holds no database and no threads, so that a new one is there
in milliseconds. They leave Ctrl-C to the parent and die with it, however it dies.
"""

from __future__ import annotations

import asyncio
import signal
from multiprocessing import resource_tracker
from multiprocessing.context import ForkServerContext
from typing import TYPE_CHECKING, Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from streamapp.errors import Code, StreamappError
from streamapp.vision import child
from streamapp.vision.cores import cores
from streamapp.vision.crew import Crew, crew

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from multiprocessing.context import ForkServerProcess
    from multiprocessing.synchronize import RLock

__all__ = ["Children", "cores"]

T = TypeVar("T")

START_LIMIT_S = 120.0
POOLS_MAX = 3
"""A job that meets so many broken pools in a row breaks them itself."""


class _Context(ForkServerContext):
    """Counts the children, and keeps its locks for as long as the pool that was made with it.

    Pebble drops a pool's locks before it ends the children, and one that just starts would not find
    them any more, and say so.
    """

    def __init__(self, started: Callable[[], None]) -> None:
        super().__init__()
        self._started = started
        self._locks: list[object] = []

    def RLock(self) -> RLock:  # noqa: N802 - multiprocessing's name
        lock = super().RLock()
        self._locks.append(lock)
        return lock

    def Process(self, *args: Any, **options: Any) -> ForkServerProcess:  # type: ignore[override] # noqa: N802 - a class there
        self._started()
        return super().Process(*args, **options)


class Children:
    """A fixed number of child processes, started by `start` or with the first job."""

    def __init__(
        self,
        *,
        count: int,
        initializer: Callable[..., object],
        initargs: tuple[Any, ...] = (),
        memory_bytes_max: int,
        recycle_after: int = 1000,
    ) -> None:
        """Start nothing yet.

        Args:
            count: How many children.
            initializer: Called in each child first; when it raises, every job is `ChildUnfit`.
            initargs: Its arguments.
            memory_bytes_max: Most private memory of a child, in bytes.
            recycle_after: Jobs after which a child is replaced, against slow leaks.
        """
        self.count = count
        self._start = (memory_bytes_max, initializer, initargs)
        self._recycle_after = recycle_after
        self._pool: ProcessPool | None = None
        self._opening = asyncio.Lock()
        self._jobs: set[Future[Any]] = set()
        self._started = 0

    @property
    def crew(self) -> Crew:
        """How many there are of them, and what they do."""
        busy = sum(job.running() for job in tuple(self._jobs))
        return crew(wanted=self.count, pids=self._pids(), busy=busy, started=self._started)

    def _pids(self) -> tuple[int, ...]:
        manager = getattr(self._pool, "_pool_manager", None)  # pebble has no listing of them
        return tuple(manager.worker_manager.workers) if manager else ()

    async def start(self) -> None:
        """Start the children now, so that the first job need not wait for them.

        Raises:
            ChildUnfit: They cannot work.
        """
        await self.run(_nothing, limit_s=START_LIMIT_S)

    async def run(self, function: Callable[..., T], *args: Any, limit_s: float) -> T:
        """``function(*args)`` in a child; what it raises passes through.

        Cancelling kills the child that works on it.

        Raises:
            StreamappError: ``PHOTO_TIMED_OUT`` when the child's own alarm ended it;
                ``PHOTO_CRASHED`` when it died otherwise or ran out of memory; ``CHILD_STUCK``
                after ``limit_s`` seconds of work.
            ChildUnfit: The children cannot work.
        """
        for _ in range(POOLS_MAX):
            pool = await self._working_pool()
            try:
                job = pool.schedule(child.work, (function, args), timeout=limit_s)
                result, error = await self._result(job)
            except TimeoutError:
                raise StreamappError(Code.CHILD_STUCK, f"{limit_s:g} s") from None
            except ProcessExpired as end:
                if end.exitcode == -signal.SIGALRM:
                    raise StreamappError(Code.PHOTO_TIMED_OUT) from None
                raise StreamappError(Code.PHOTO_CRASHED, f"exit code {end.exitcode}") from None
            except RuntimeError:
                continue  # the pool broke: a child died between jobs, or before it said what it had
            if error is not None:
                raise error
            return result  # type: ignore[no-any-return] # it is what the function returned
        raise StreamappError(Code.PHOTO_CRASHED, f"{POOLS_MAX} pools of children broke")

    async def close(self) -> None:
        """End the children at once; jobs that run are cancelled."""
        for job in tuple(self._jobs):
            job.cancel()
        async with self._opening:
            await self._discard()

    async def _result(self, job: Future[Any]) -> Any:
        self._jobs.add(job)
        try:
            return await asyncio.wrap_future(job)
        finally:
            self._jobs.discard(job)

    async def _working_pool(self) -> ProcessPool:
        async with self._opening:
            if self._pool is not None and not self._pool.active:
                await self._discard()
            if self._pool is None:
                starting = asyncio.ensure_future(asyncio.to_thread(self._started_pool))
                try:
                    await asyncio.wait([starting])
                finally:  # who is cancelled meanwhile leaves a pool that `close` can find
                    self._pool = await starting
            return self._pool

    def _started_pool(self) -> ProcessPool:
        context = _Context(self._count_one)
        context.set_forkserver_preload(["streamapp.vision"])
        pool = ProcessPool(
            max_workers=self.count,
            max_tasks=self._recycle_after,
            initializer=child.begin,
            initargs=self._start,
            context=context,
        )
        # What is started here leaves Ctrl-C to the parent from its first moment: it inherits the
        # mask. (The tracker goes first, since starting it takes the mask off.)
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            assert pool.active  # noqa: S101 - asking starts it, and that takes a while
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return pool

    def _count_one(self) -> None:
        self._started += 1

    async def _discard(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call] # pebble types only what takes arguments
            await asyncio.to_thread(pool.join)


def _nothing() -> None:
    """The job that only proves that a child works."""
