"""What happened in a seed, line by line, for whoever looks into a failing one."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Journal:
    """JSON lines with the seconds since the beginning; safe from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began = time.monotonic()
        self._lock = Lock()

    def write(self, what: str, **values: Any) -> None:
        """Append a line; it is printed, too."""
        line = {"s": round(time.monotonic() - self._began, 1), "what": what, **values}
        with self._lock, self._path.open("a") as file:
            file.write(json.dumps({"at": f"{datetime.now(UTC):%H:%M:%S.%f}"[:-3], **line}) + "\n")
        told = " ".join(f"{name}={value}" for name, value in values.items())
        print(f"{line['s']:7.1f}  {what} {told}"[:200], flush=True)
