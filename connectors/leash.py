"""Start a program that does not outlive this process, however this process ends.

On Linux the kernel kills it with its parent (``PR_SET_PDEATHSIG``), also after ``kill -9``. What
counts there as the parent is the thread that started it, so a thread of its own does that and
waits until the program has ended. The program gets a session of its own: Ctrl-C in a terminal
does not reach it, its owner stops it in order. Elsewhere than on Linux only the owner does.

Run as a script, this file is the step between: it ties itself to its parent and becomes the
program (same process id). That is safe with threads, which code between fork and exec is not.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from concurrent.futures import Future
from threading import Thread
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str],
    *,
    output: IO[bytes],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    inherit: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start ``command`` (an absolute path and its arguments).

    Args:
        command: The program and its arguments.
        output: Where its standard output and error go.
        cwd: Its working directory, by default ours.
        env: Its environment, by default ours.
        inherit: File descriptors it keeps open as long as it lives, such as a lock.

    Raises:
        OSError: It cannot be started.
    """
    started: Future[subprocess.Popen[bytes]] = Future()

    def own() -> None:
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell; the callers' fixed programs
                [sys.executable, "-I", __file__, str(os.getpid()), *command],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=inherit,
                start_new_session=True,
            )
        except OSError as error:
            started.set_exception(error)
        else:
            started.set_result(process)
            process.wait()

    Thread(target=own, name="leash", daemon=True).start()
    return started.result()


def _become(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # it ended before it was tied
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
