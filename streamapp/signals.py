"""SIGINT and SIGTERM as an exception, so that every ``with`` on the way out is left in order.

The first signal counts; those that follow do not disturb the clean-up. An event loop lets the
exception through and cancels its tasks, since it is a kind of `SystemExit`.
"""

from __future__ import annotations

import signal
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(SystemExit):
    """A signal asked this process to end; the exit code is 128 and its number."""


def raise_on_signals() -> None:
    """From now on, a signal raises `Stopped` in the main thread."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, _frame: object) -> NoReturn:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(128 + number)
