"""A program that runs beside us, writes a log and ends with us (see `leash`)."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from connectors.leash import spawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STOP_PATIENCE_S = 15.0
LOG_TAIL_BYTES = 4096


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
