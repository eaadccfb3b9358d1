"""A command on a terminal, as a person sees it."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from fcntl import ioctl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_S = 120.0


def on_terminal(
    *arguments: object, env: Mapping[str, str] | None = None, columns: int = 120
) -> tuple[int, str]:
    """Exit code, and all that a terminal of this width got of ``streamapp``'s two outputs."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    surroundings = {"TERM": "xterm-256color"} | {
        name: value
        for name, value in (os.environ if env is None else env).items()
        if name not in {"NO_COLOR", "TERM", "COLUMNS", "FORCE_COLOR"}
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "streamapp", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=surroundings,
    )
    os.close(theirs)
    seen = bytearray()

    def watch() -> None:
        while piece := _read(ours):
            seen.extend(piece)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait(PATIENCE_S)
    watcher.join(PATIENCE_S)
    os.close(ours)
    return code, seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # everybody at the other end has gone
        return b""
