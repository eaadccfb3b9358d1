"""What went wrong last in this worker: the warnings of its log, and the photos that failed.

A few of each, in memory, for those who look at the status pages; the log and the rows have all.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamapp.events import Outcome

KEPT = 30
SAID_CHARACTERS_MAX = 400


class Fault(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A line of the log, of level WARNING or above; ``at`` is when it was said last."""

    at: float
    level: str
    where: str
    said: str
    times: int = 1


class FailedPhoto(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A photo that failed for good."""

    at: float
    batch: str
    index: int
    name: str
    code: str
    detail: str


class LastFaults(logging.Handler):
    """Keeps the last `KEPT` lines; one that is said again is kept once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: OrderedDict[tuple[str, str], Fault] = OrderedDict()
        self._kept_lock = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        key = (record.name, str(record.msg))
        with self._kept_lock:
            before = self._kept.pop(key, None)
            self._kept[key] = Fault(
                at=record.created,
                level=record.levelname,
                where=record.name,
                said=_said(record),
                times=before.times + 1 if before else 1,
            )
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def newest_first(self) -> list[Fault]:
        """Those kept."""
        with self._kept_lock:
            return list(reversed(self._kept.values()))


class LastFailedPhotos:
    """Keeps the last `KEPT` photos."""

    def __init__(self) -> None:
        self._kept: deque[FailedPhoto] = deque(maxlen=KEPT)

    def tell(self, batch: str, outcomes: Iterable[Outcome]) -> None:
        """Keep those that failed."""
        self._kept.extend(
            FailedPhoto(
                at=each.finished_at,
                batch=batch,
                index=each.index,
                name=each.name,
                code=each.code or "",
                detail=each.detail[:SAID_CHARACTERS_MAX],
            )
            for each in outcomes
            if each.state == "failed"
        )

    def newest_first(self) -> list[FailedPhoto]:
        """Those kept."""
        return list(reversed(self._kept))


def _said(record: logging.LogRecord) -> str:
    said = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        said = f"{said} ({record.exc_info[1]!r})"
    return said[:SAID_CHARACTERS_MAX]
