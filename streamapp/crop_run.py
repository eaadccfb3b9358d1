"""What a child process does with a run of photos: fetch, detect, crop, store.

Pixels never leave the child: a run of claim checks goes in, outcomes come out. Crops have
deterministic keys, so a run that is done again overwrites its own crops. A photo that is bad fails
alone; a store that is away is raised, for the whole run to be done again. A later run of the batch
has crops of its own and may change vision's settings.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from streamapp import archive, vision
from streamapp.errors import Code, StreamappError
from streamapp.events import CroppedFace, Outcome
from streamapp.keys import crop_key
from streamapp.vision.crop import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from connectors.objects.interface import ObjectStore
    from streamapp.events import PhotoQueued
    from streamapp.vision import FoundFace, Options
    from streamapp.vision.options import CropFormat

    Settings = tuple[tuple[str, str], ...]

OPTIONS_MAX = 8
"""Of runs that change settings, whose options a child remembers."""


def unchangeable(_settings: Settings) -> Options:
    """Of a cropper that knows one set of options only."""
    raise StreamappError(Code.SETTING_INVALID, "no run's to change here")


class Cropper:
    """A child's tools, made once per child process: the store's client and the loaded model.

    ``changed`` makes the options of a run that changes settings, or raises ``SETTING_INVALID``.
    """

    def __init__(
        self,
        objects: ObjectStore,
        options: Options,
        *,
        photo_time_limit_s: float,
        changed: Callable[[Settings], Options] = unchangeable,
    ) -> None:
        self._objects = objects
        self.options = options
        self._changed = lru_cache(OPTIONS_MAX)(changed)
        self._photo_time_limit_s = photo_time_limit_s

    def crop_run(self, run: Sequence[PhotoQueued]) -> tuple[Outcome, ...]:
        """The outcomes of neighbouring photos of one run of a batch, in order, the crops stored.

        Raises:
            StreamappError: of fate *wait*; some of the run's crops may be stored already.
        """
        source, settings = run[0].archive, run[0].settings
        try:
            options = self._changed(settings) if settings else self.options
        except StreamappError as error:
            return tuple(failed(photo, error) for photo in run)

        def read(start: int, length: int) -> bytes:
            return self._objects.read(source, start, length)

        return tuple(
            self._outcome(photo, content, options) for photo, content in archive.read_run(read, run)
        )

    def _outcome(
        self, photo: PhotoQueued, content: bytes | StreamappError, options: Options
    ) -> Outcome:
        if isinstance(content, StreamappError):
            return failed(photo, content)
        try:
            with alarm(self._photo_time_limit_s):
                faces = vision.process(content, options).faces
        except StreamappError as error:
            return failed(photo, error)
        return Outcome(
            index=photo.index,
            name=photo.name,
            state="completed",
            finished_at=time.time(),
            faces=tuple(
                self._stored(photo, number, face, options.crop_format)
                for number, face in enumerate(faces)
            ),
        )

    def _stored(
        self, photo: PhotoQueued, number: int, found: FoundFace, crop_format: CropFormat
    ) -> CroppedFace:
        if found.crop is None:
            return CroppedFace(face=found.face, rejected=found.rejected)
        suffix = SUFFIXES[crop_format]
        key = crop_key(photo.batch, photo.index, number, suffix, run=photo.run)
        self._objects.put(key, found.crop, f"image/{crop_format}")
        return CroppedFace(face=found.face, crop=key)


@contextmanager
def alarm(limit_s: float) -> Iterator[None]:
    """End this process with SIGALRM after ``limit_s`` seconds, also in the middle of a decode.

    It bounds the work on a photo alone: a store that is slow to answer fails no photo.
    """
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def failed(photo: PhotoQueued, error: StreamappError) -> Outcome:
    """The outcome of a photo that met ``error``."""
    return Outcome(
        index=photo.index,
        name=photo.name,
        state="failed",
        finished_at=time.time(),
        code=error.code.code,
        detail=error.detail,
    )


_cropper: list[Cropper] = []


def equip(make_cropper: Callable[..., Cropper], *arguments: object) -> None:
    """Make this child process's tools and load the model; the initializer of the child pool."""
    _cropper[:] = [make_cropper(*arguments)]
    vision.warm_up(_cropper[0].options)


def crop_run(run: Sequence[PhotoQueued]) -> tuple[Outcome, ...]:
    """`Cropper.crop_run` with this child process's tools."""
    return _cropper[0].crop_run(run)
