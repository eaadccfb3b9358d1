"""What this user's uploads under way are called by the uploader, so that a killed one goes on.

One small file each in the user's folder for state: written whole, so processes side by side do not
disturb each other. An upload that could not be remembered begins anew after a kill, no more.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

KEPT_DAYS = 30
"""Longer than an uploader keeps an unfinished upload."""

_NAME = re.compile(r"[0-9a-zA-Z_-]{1,255}")


def state_folder() -> Path:
    """Where the uploads of this user are remembered: ``~/.local/state/streamapp/uploads``."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local/state") / "streamapp/uploads"


class Memory:
    """The uploads' names, by the digest of what was asked of which uploader."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def upload(self, request: str) -> str:
        """The upload's name, ``""`` when none is remembered."""
        try:
            name = (self._folder / request).read_text()
        except (OSError, ValueError):
            return ""
        return name if _NAME.fullmatch(name) else ""

    def keep(self, request: str, upload: str) -> None:
        """Remember it, and forget what is too old to be of use."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._prune()
            draft = self._folder / f"{request}.{os.getpid()}"
            draft.write_text(upload)
            draft.replace(self._folder / request)

    def forget(self, request: str) -> None:
        """Remember it no longer."""
        with suppress(OSError):
            (self._folder / request).unlink(missing_ok=True)

    def _prune(self) -> None:
        oldest = time.time() - KEPT_DAYS * 86_400
        for file in self._folder.iterdir():
            if file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)
