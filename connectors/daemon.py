"""A program that runs beside us and ends with us.

It has a session of its own, so that Ctrl-C in a terminal reaches only the parent, which then stops
its daemons in order; and on Linux the kernel ends it when the parent dies, however that dies.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STOP_PATIENCE_S = 15.0
LOG_TAIL_BYTES = 4096

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Daemon:
    """One program, its output appended to a log file. Start and stop it from the main thread.

    (The kernel takes the thread that started it for the parent.)
    """

    def __init__(
        self, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._log = log
        self._env = None if env is None else dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program, or start it again after it ended."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock is taken
            )

    @property
    def pid(self) -> int:
        """The process id; the program must have been started."""
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """How the program ended, negative for a signal; None while it runs."""
        return self._started().poll()

    def stop(self, patience_s: float = STOP_PATIENCE_S) -> None:
        """SIGTERM, and SIGKILL when that does not end it; safe to call twice, or never started."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_tail(self) -> str:
        """The last 4 KiB of the log, for an error message."""
        if not self._log.exists():
            return ""
        return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            msg = "the daemon was not started"
            raise RuntimeError(msg)
        return self._process


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
