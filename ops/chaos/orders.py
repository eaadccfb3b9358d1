"""The load of a seed: which batches come when, by which way, and what happens to them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from ops.chaos.plan import UPLOADERS

if TYPE_CHECKING:
    from ops.chaos.photos import Album, Photo

WAYS = ("form", "put", "tus", "images")
FATES = ("cancel", "join", "priority", "replay")


class Order(NamedTuple):
    """A batch to be uploaded ``at_s`` seconds after the beginning.

    ``fate`` is what happens to it later: it is cancelled, joined by more photos, given another
    priority or reprocessed; ``""`` for none of it.
    """

    name: str
    at_s: float
    way: str
    uploader: str
    priority: int
    photos: tuple[Photo, ...]
    more: tuple[Photo, ...] = ()
    clutter: bool = False
    slow: int = 0
    fate: str = ""


def orders(
    seed: int, album: Album, *, batches: int, photos: tuple[int, int], window_s: float
) -> tuple[Order, ...]:
    """The orders of a seed; ``photos`` are the least and the most of a batch."""
    rng = random.Random(f"orders {seed}")  # noqa: S311 - what a seed is for
    drawn = []
    for number in range(batches):
        way = WAYS[number % len(WAYS)]
        fate = FATES[number] if number < len(FATES) else ""
        drawn.append(
            Order(
                name=f"batch-{number}",
                at_s=round(rng.uniform(0, 0.7) * window_s * (number > 1), 1),
                way=way,
                uploader=rng.choice(UPLOADERS),
                priority=(2, 5, 9)[(number + seed) % 3],
                photos=tuple(album.pick(rng, rng.randint(*photos))),
                more=tuple(album.pick(rng, photos[0])) if fate == "join" else (),
                clutter=number % 2 == 1 and way != "images",
                slow=1 if number == 1 else 0,
                fate=fate,
            )
        )
    return tuple(sorted(drawn, key=lambda order: order.at_s))
