"""The inside of a child process: its bounds, its end, its work.

Nothing of a job but its result or its error leaves the child, and always in a form that can be
pickled both ways: what the parent cannot read would break the whole pool.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import resource
import signal
import sys
import threading
import traceback
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from pebble.common.types import CONSTS

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK_PATIENCE_S = 10
"""What a child waits for the others to read or write; pebble's own figure is a minute."""

_unfit: list[Exception] = []


class ChildUnfit(Exception):  # noqa: N818 - the state of a child, not a fault of its work
    """The child cannot do any work: its initializer failed."""


def begin(
    memory_bytes_max: int, initializer: Callable[..., object], initargs: tuple[Any, ...]
) -> None:
    """Set the child's bounds, then call the caller's initializer.

    What it raises is kept for the jobs, as `ChildUnfit`: a child that ended here would be replaced
    for ever.
    """
    _silence_libraries()
    # A child that is killed may keep the lock of the pool's channel; the others end after this.
    CONSTS.channel_lock_timeout = LOCK_PATIENCE_S
    # Python runs a handler only between its own instructions, never in the middle of a decode.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # DATA counts what a process may write to; AS would count every library mapped, too.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes_max, memory_bytes_max))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        initializer(*initargs)
    except Exception as error:  # noqa: BLE001 - raised again by every job
        _unfit.append(ChildUnfit("".join(traceback.format_exception(error))))


def work(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    """What the function returned, or what it raised."""
    if _unfit:
        return None, _unfit[0]
    try:
        return function(*args), None
    except MemoryError:
        return None, StreamappError(Code.PHOTO_CRASHED, "out of memory")
    except Exception as error:  # noqa: BLE001 - raised again in the parent
        return None, _portable(error)


def _portable(error: Exception) -> Exception:
    trace = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever its class does when it is copied
        error = RuntimeError(repr(error))
    error.add_note(f"In the child process:\n{trace}")
    return error


def _silence_libraries() -> None:
    """Leave the error output to Python: what libjpeg and others say of a photo goes nowhere.

    They speak of every odd photo, and of each that is decoded in part (see `decode.decode_part`).
    """
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
