"""Which faults hit a seed, whom, when and for how long: all of it follows from the seed.

Pure. Faults may overlap as they like; each ends by itself.
"""

from __future__ import annotations

import random
from typing import NamedTuple

WORKERS = ("worker-1", "worker-2", "worker-3")
UPLOADERS = ("uploader-1", "uploader-2")
SERVICES = ("kafka", "minio", "mariadb")
LINKS = (*SERVICES, "views")

SIGNALS = ("kill", "term", "freeze")
TOXICS = ("latency", "cut", "half-open", "bandwidth", "reset")
WHOLE = ("disk full", "state lost", "rolling restart", "offsets reset")

SHORTEST_S, LONGEST_S = 3.0, 20.0
FREEZE_SHORTEST_S = 8.0
"""Of a worker: longer than its session, so that another has its partitions when it wakes."""

_CLIENTS = {
    "kafka": (*WORKERS, *UPLOADERS, "*", "*"),
    "minio": (*WORKERS, *UPLOADERS, "*", "*"),
    "mariadb": (*WORKERS, "*"),
    "views": (*UPLOADERS, "*"),
}
"""Who uses a service: nobody would feel another's link to it."""


class Fault(NamedTuple):
    """``kind`` hits ``target`` ``at_s`` seconds after the beginning, for ``for_s`` seconds.

    The target of a toxic is ``client:service``, with ``*`` for all clients.
    """

    at_s: float
    kind: str
    target: str
    for_s: float

    @property
    def group(self) -> str:
        """What the results page counts it as."""
        return f"{self.kind} {_group(self.target)}".strip()


def plan(seed: int, *, faults: int, window_s: float) -> tuple[Fault, ...]:
    """The faults of a seed in the order of their times."""
    rng = random.Random(f"faults {seed}")  # noqa: S311 - what a seed is for
    deck = _deck()
    kinds: list[tuple[str, str]] = []
    for _ in range(faults):
        weights = [weight if kind not in kinds else 0 for kind, weight in deck.items()]
        kinds += rng.choices(list(deck), weights)
    drawn = [_fault(rng, kind, whom, window_s) for kind, whom in kinds]
    return tuple(sorted(drawn))


def _deck() -> dict[tuple[str, str], int]:
    """Each kind of fault and whom it hits, with its weight."""
    deck = {(signal, "worker"): 4 for signal in SIGNALS}
    deck |= {(signal, whom): 2 for signal in SIGNALS for whom in ("uploader", *SERVICES)}
    deck |= {(signal, "child"): 2 for signal in ("kill", "freeze")}
    deck |= {(toxic, link): 1 for toxic in TOXICS for link in LINKS}
    return deck | {(kind, ""): 3 for kind in WHOLE}


def _fault(rng: random.Random, kind: str, whom: str, window_s: float) -> Fault:
    at_s = round(rng.uniform(0.05, 1) * window_s, 1)
    shortest_s = FREEZE_SHORTEST_S if (kind, whom) == ("freeze", "worker") else SHORTEST_S
    for_s = rng.uniform(shortest_s, LONGEST_S)
    if kind in {"kill", "term"} and whom in {"worker", "uploader"} and rng.random() < 0.5:
        for_s = 0  # its supervisor starts it again at once
    return Fault(at_s, kind, _target(rng, kind, whom), round(for_s, 1))


def _target(rng: random.Random, kind: str, whom: str) -> str:
    if kind in TOXICS:
        return f"{rng.choice(_CLIENTS[whom])}:{whom}"
    match whom:
        case "worker":
            return rng.choice(WORKERS)
        case "uploader":
            return rng.choice(UPLOADERS)
        case "child":
            return f"child of {rng.choice(WORKERS)}"
        case "":
            return rng.choice(WORKERS) if kind == "state lost" else ""
    return whom


def _group(target: str) -> str:
    if ":" in target:
        client, service = target.split(":")
        return f"{'all' if client == '*' else 'one'} to {service}"
    return "child" if target.startswith("child") else target.partition("-")[0]
