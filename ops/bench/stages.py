"""The functions of the pipeline watched from outside, as it calls them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from streamapp import vision
from streamapp.vision import crop, decode, quality, search

STAGES: dict[str, tuple[ModuleType, str]] = {
    "header": (decode, "read_header"),
    "decode": (decode, "decode"),
    "detect": (search, "search"),
    "second decode": (decode, "decode_part"),
    "crop": (crop, "cut"),
    "quality": (quality, "measure"),
    "encode": (crop, "encode"),
}
"""Where the front door finds each."""

REST = "the rest"


@contextmanager
def watched(owner: ModuleType, name: str, watch: Callable[..., Any]) -> Iterator[None]:
    """Have every call of a module's function made by ``watch(function, *arguments)``."""
    function = getattr(owner, name)
    setattr(owner, name, partial(watch, function))
    try:
        yield
    finally:
        setattr(owner, name, function)


class Stopwatch:
    """CPU seconds by stage; what one stage calls of another is its own."""

    def __init__(self) -> None:
        self.spent_s = dict.fromkeys(STAGES, 0.0)
        self._running = False

    def time(self, stage: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a stage's function."""
        if self._running:
            return function(*arguments)
        self._running = True
        began = time.process_time()
        try:
            return function(*arguments)
        finally:
            self.spent_s[stage] += time.process_time() - began
            self._running = False


def stage_ms(photos: Sequence[bytes]) -> dict[str, float]:
    """Milliseconds of CPU per photo by stage."""
    watch = Stopwatch()
    with ExitStack() as watches:
        for stage, (owner, name) in STAGES.items():
            watches.enter_context(watched(owner, name, partial(watch.time, stage)))
        began = time.process_time()
        for photo in photos:
            vision.process(photo)
        whole_s = time.process_time() - began
    spent_s = watch.spent_s | {REST: whole_s - sum(watch.spent_s.values())}
    return {stage: 1000 * seconds / len(photos) for stage, seconds in spent_s.items()}
