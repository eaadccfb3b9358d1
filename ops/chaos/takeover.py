"""How long it took until the partitions of a worker that was ended were answered for elsewhere.

Pure. Who owns a batch is seen from who answers for it itself; the time is that from the signal to
the first such answer, for the slowest of the worker's batches. One that ends by SIGTERM answers
until it has finished what is in hand: that is no takeover. One that was killed may be its own
successor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.chaos.faults import Stroke
    from ops.chaos.watch import Seen

OWNED_WITHIN_S = 3.0
"""A batch is taken to be a worker's if this one was the last to answer, so shortly before."""
ENDING = frozenset({"kill", "term"})


class Takeover(NamedTuple):
    """Seconds; ``alone`` when no other fault was there at the time."""

    kind: str
    took_s: float
    alone: bool


def takeovers(strokes: Sequence[Stroke], seen: Sequence[Seen]) -> list[Takeover]:
    """One for each worker that was ended while it owned a batch."""
    own = sorted(
        (each for each in seen if each.source.startswith("worker")), key=lambda each: each.ended
    )
    found = []
    for stroke in strokes:
        if stroke.fault.kind in ENDING and stroke.fault.target.startswith("worker"):
            times = [
                took
                for batch in _owned(own, stroke)
                if (took := _took(own, stroke, batch)) is not None
            ]
            if times:
                alone = not any(_meets(stroke, other, max(times)) for other in strokes)
                found.append(Takeover(stroke.fault.kind, round(max(times), 1), alone))
    return found


def _owned(own: Sequence[Seen], stroke: Stroke) -> set[str]:
    last = {
        each.batch: each.source
        for each in own
        if stroke.at - OWNED_WITHIN_S <= each.ended <= stroke.at
    }
    return {batch for batch, source in last.items() if source == stroke.fault.target}


def _took(own: Sequence[Seen], stroke: Stroke, batch: str) -> float | None:
    still = stroke.fault.target if stroke.fault.kind == "term" else None
    after = (
        each.ended
        for each in own
        if each.batch == batch and each.began > stroke.at and each.source != still
    )
    first = next(after, None)
    return None if first is None else first - stroke.at


def _meets(stroke: Stroke, other: Stroke, took_s: float) -> bool:
    return other is not stroke and other.at < stroke.at + took_s and other.healed_at > stroke.at - 5
