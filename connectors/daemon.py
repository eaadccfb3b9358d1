"""A program that runs beside us, writes a log and ends with us (see `leash`)."""

from __future__ import annotations

import shutil
import subprocess
import time
from os import SEEK_END
from typing import TYPE_CHECKING

from connectors.leash import spawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STOP_PATIENCE_S = 15.0
LOG_TAIL_BYTES = 4096

LIFETIME_S = 10.0
FAILURES_MAX = 3
"""A program that lives shorter than `LIFETIME_S` failed; that many in a row are too many."""


class Failures:
    """Tells a program that dies now and then from one that cannot live."""

    def __init__(self) -> None:
        self._count = 0
        self._born_at = 0.0

    def born(self) -> None:
        """It was started."""
        self._born_at = time.monotonic()

    def died(self) -> int:
        """It ended: how many times in a row it has, all but the first after a short life."""
        lived_s = time.monotonic() - self._born_at
        self._count = self._count + 1 if lived_s < LIFETIME_S else 1
        return self._count


class Daemon:
    """One program; its output is appended to a log file."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._command = list(command)
        self._log = log
        self._cwd = cwd
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, inherit: Sequence[int] = ()) -> None:
        """Start the program, or start it again after it ended.

        Args:
            inherit: File descriptors it keeps open as long as it lives, such as a lock.

        Raises:
            OSError: It is not there or cannot be started.
        """
        program = shutil.which(self._command[0])
        if program is None:
            raise FileNotFoundError(self._command[0])
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self._process = spawn(
                [program, *self._command[1:]],
                output=output,
                cwd=self._cwd,
                env=self._env,
                inherit=inherit,
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
        self.terminate()
        self.wait(patience_s)

    def terminate(self) -> None:
        """Send SIGTERM and do not wait; fine when it has ended, or was never started."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, patience_s: float) -> None:
        """Return when it has ended: after `terminate`, or by SIGKILL when patience is over."""
        if self._process is None:
            return
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_tail(self) -> str:
        """The log's last lines, 4 KiB at most, for an error message."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            end = log.seek(0, SEEK_END)
            log.seek(max(0, end - LOG_TAIL_BYTES))
            tail = log.read(LOG_TAIL_BYTES)
        whole = tail if end <= LOG_TAIL_BYTES else tail.partition(b"\n")[2] or tail
        return whole.decode(errors="replace").rstrip()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            msg = "the daemon was not started"
            raise RuntimeError(msg)
        return self._process
