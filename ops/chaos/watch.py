"""What every poller was told of every batch, and what of it must never have been said.

Two answers that were asked for at the same time may come in any order. So an answer is held
against those only that had ended before it was asked for: of these no one may have told more
processed photos, more photos in all, or an end that is no more.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from threading import Lock
from typing import NamedTuple

ENDED = frozenset({"completed", "cancelled"})


class Seen(NamedTuple):
    """An answer: when it was asked for and there, by whom, and what it said of the batch."""

    began: float
    ended: float
    source: str
    batch: str
    status: str
    processed: int
    total: int
    run: int = 1
    settled: bool = True


class _Best(NamedTuple):
    """The most that was told until the time ``ended``, and an end state that was."""

    ended: float
    processed: int
    total: int
    status: str
    settled: bool


_NOTHING = _Best(-math.inf, 0, 0, "", settled=False)


class Watch:
    """All answers of a seed; safe from several threads."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.longest_stall_s = 0.0
        """The longest time without any news while a batch was under way."""
        self._complained: set[tuple[str, str]] = set()
        self._lock = Lock()
        self._best: dict[str, list[_Best]] = defaultdict(list)
        self._reopened: dict[str, tuple[float, int, int]] = {}
        self._changed_at = math.inf

    def reopen(self, batch: str, at: float, *, total: int, run: int = 1) -> None:
        """A batch that had ended may be told to be under way after this moment.

        No end of it is believed again but one of so many photos, and of this run.
        """
        with self._lock:
            self._reopened[batch] = at, total, run
            told = self._best[batch]
            last = told[-1] if told else _NOTHING
            told.append(last._replace(ended=max(at, last.ended), status="", settled=False))

    def see(self, seen: Seen) -> None:
        """Take an answer, and complain of it if it is wrong, once for all that say the same."""
        with self._lock:
            told = self._best[seen.batch]
            before = told[at - 1] if (at := bisect_left(told, (seen.began,))) else None
            for wrong in self._wrong(seen, before):
                if (seen.batch, wrong) not in self._complained:
                    self._complained.add((seen.batch, wrong))
                    self.complaints.append(f"{wrong}: {seen}")
            self._remember(seen, told)

    def complain(self, of: str) -> None:
        """Of an answer that is none."""
        with self._lock:
            self.complaints.append(of)

    def has_ended(self, batch: str) -> bool:
        """Whether it was told that the batch has ended, and that it stays as it is."""
        with self._lock:
            told = self._best[batch]
            return bool(told and told[-1].settled)

    def processed(self, batch: str) -> int:
        """The most that was told of a batch."""
        with self._lock:
            told = self._best[batch]
            return told[-1].processed if told else 0

    def _wrong(self, seen: Seen, before: _Best | None) -> list[str]:
        wrong = [] if seen.processed <= seen.total else ["more processed than there are"]
        if before is None:
            return wrong
        if seen.processed < before.processed:
            wrong.append(f"processed fell from {before.processed}")
        if seen.total < before.total:
            wrong.append(f"the total fell from {before.total}")
        if before.status and seen.status not in ENDED:
            wrong.append(f"it was {before.status} before")
        return wrong

    def _remember(self, seen: Seen, told: list[_Best]) -> None:
        last = told[-1] if told else _NOTHING
        best = _Best(
            max(seen.ended, last.ended),
            max(seen.processed, last.processed),
            max(seen.total, last.total),
            (end := self._end(seen)) or last.status,
            settled=last.settled or bool(end and seen.settled),
        )
        if (best.processed, best.status) != (last.processed, last.status):
            self._note_change(seen.ended)
        told.append(best)

    def _note_change(self, at: float) -> None:
        if any(told and not told[-1].status for told in self._best.values()):
            self.longest_stall_s = max(self.longest_stall_s, at - self._changed_at)
        self._changed_at = at

    def _end(self, seen: Seen) -> str:
        """The end state that an answer proves, ``""`` for none."""
        at, total, run = self._reopened.get(seen.batch, (-math.inf, 0, 1))
        whole = seen.total >= total and seen.run >= run
        return seen.status if seen.status in ENDED and seen.began > at and whole else ""
