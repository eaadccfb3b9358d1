"""The fuzzer: damaged files and sound ones to the desk, and what may come back."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from ops.fuzz.desk import Desk
from ops.fuzz.mutate import mutated
from ops.fuzz.pictures import pictures
from streamapp import vision
from streamapp.keys import archive_key

if TYPE_CHECKING:
    from streamapp.events import Outcome

BATCH_FILES = 500
SOUND_EVERY = 4
TIME_LIMIT_S = 5.0
ALLOWED = {
    "a face",
    "no face",
    "photo_not_an_image",
    "photo_broken",
    "photo_too_many_pixels",
    "photo_timed_out",
    "photo_crashed",
}

Tally = Counter[tuple[str, str]]
"""Damaged files by their format and how they ended."""


class Fuzz:
    """A run of the fuzzer; the same seed damages the same files in the same ways."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.tally: Tally = Counter()
        self.sound = 0
        self.wrong: list[str] = []
        self._desk = desk
        self._seed = seed
        self._pictures = pictures()
        self._crops = {name: crop_of(photo) for name, photo in self._pictures.items()}

    async def run(self, files: int) -> None:
        """Work off so many damaged files, and the sound ones among them."""
        for start in range(0, files, BATCH_FILES):
            await self._batch(range(start, min(start + BATCH_FILES, files)))

    def damaged(self, number: int) -> tuple[str, bytes]:
        """The format and content of a damaged file."""
        random = Random(f"{self._seed} {number}")  # noqa: S311 - no secret
        names = list(self._pictures)
        name = names[number % len(names)]
        return name, mutated(random, self._pictures[name], self._pictures[random.choice(names)])

    async def _batch(self, numbers: range) -> None:
        names, photos = [], []
        for number in numbers:
            for name, photo in (self._sound(number), self.damaged(number)):
                if name:
                    names.append(name)
                    photos.append(photo)
        outcomes = await self._desk.outcomes(str(numbers.start), photos)
        for name, outcome in zip(names, outcomes, strict=True):
            self._judge(name, outcome)
        for key in (archive_key(str(numbers.start)), *self._desk.store.keys("crops/")):
            self._desk.store.delete(key)

    def _sound(self, number: int) -> tuple[str, bytes]:
        if number % (SOUND_EVERY - 1):
            return "", b""
        names = list(self._pictures)
        name = names[number // (SOUND_EVERY - 1) % len(names)]
        return f"sound {name}", self._pictures[name]

    def _judge(self, name: str, outcome: Outcome) -> None:
        end = outcome.code or ("a face" if outcome.faces else "no face")
        if name.startswith("sound "):
            self.sound += 1
            if self._stored_crop(outcome) != self._crops[name.removeprefix("sound ")]:
                self.wrong.append(f"{name}, {outcome.name}: another crop, or {end}")
        else:
            self.tally[name, end] += 1
            if end not in ALLOWED:
                self.wrong.append(f"damaged {name}, {outcome.name}: {end} {outcome.detail}")

    def _stored_crop(self, outcome: Outcome) -> bytes | None:
        key = outcome.faces[0].crop if outcome.faces else None
        return self._desk.store.read(key, 0, self._desk.store.size(key)) if key else None


def crop_of(photo: bytes) -> bytes | None:
    """The crop of the only face of a sound photo."""
    (found,) = vision.process(photo).faces
    return found.crop


async def fuzz(files: int, seed: int, children: int) -> tuple[Fuzz, Counter[str]]:
    """Run, and say how often children ended and why."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), children=children, photo_time_limit_s=TIME_LIMIT_S)
        await desk.open()
        try:
            run = Fuzz(desk, seed)
            await run.run(files)
        finally:
            await desk.close()
    return run, desk.children.ends
