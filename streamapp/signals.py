"""SIGINT and SIGTERM as an exception, so that every ``with`` on the way out is left in order.

The first signal counts; those that follow do not disturb the clean-up. An exception out of nowhere
may tear what other threads share, such as a queue in the middle of a put; so work in an event loop
that hands things to threads is for `run_until_stopped`, where the loop itself takes the signal.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(SystemExit):
    """A signal asked this process to end; the exit code is 128 and its number."""


def raise_on_signals() -> None:
    """From now on, a signal raises `Stopped` in the main thread."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def run_until_stopped(work: Coroutine[object, object, T]) -> T:
    """`asyncio.run`, in which a signal cancels ``work`` and raises `Stopped` when that has ended.

    For work with tasks or threads of its own: in a task `Stopped` would be told as that task's
    fault. Behind it signals do again what they did before it, or nothing once one has come.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        return asyncio.run(_until_stopped(work))
    except Stopped:
        before = dict.fromkeys(_SIGNALS, signal.SIG_IGN)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _until_stopped(work: Coroutine[object, object, T]) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    numbers: list[int] = []

    def stop(number: int) -> None:
        numbers.append(number)
        if len(numbers) == 1:
            task.cancel()

    for each in _SIGNALS:
        loop.add_signal_handler(each, stop, each)
    try:
        return await task
    except asyncio.CancelledError:
        if numbers:
            raise Stopped(128 + numbers[0]) from None
        raise


def _stop(number: int, _frame: object) -> NoReturn:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(128 + number)
