"""Work off photo files in child processes on all cores, and tell of each in their order."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import deque
from contextlib import contextmanager, nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from streamapp.crop_files.work import Order, crop_file
from streamapp.errors import Code, StreamappError
from streamapp.meter import Meter
from streamapp.signals import run_until_stopped
from streamapp.vision import read_model, warm_up
from streamapp.vision.child import ChildUnfit
from streamapp.vision.children import Children, cores
from streamapp.wiring.vision import options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamapp.crop_files.lines import Line
    from streamapp.crop_files.photos import PhotoFile
    from streamapp.crop_files.work import Cropped
    from streamapp.settings import Settings

    Tell = Callable[[PhotoFile, Cropped | StreamappError], None]

AHEAD = 16
"""Photos a child that are given out while the first of them is not done."""

MANY = 20
"""Photos from which on a bar on the terminal tells how far it is."""


class Counts:
    """What became of the photos."""

    def __init__(self) -> None:
        self.photos = self.with_face = self.failed = 0

    def add(self, result: Cropped | StreamappError) -> None:
        """Count a photo."""
        self.photos += 1
        if isinstance(result, StreamappError):
            self.failed += 1
        else:
            self.with_face += bool(result.faces)

    def __str__(self) -> str:
        """For a person."""
        return (
            f"{self.photos} photos: {self.with_face} with a face, "
            f"{self.photos - self.with_face - self.failed} without, {self.failed} failed"
        )


def crop_photos(
    photos: Sequence[PhotoFile], out: Path, settings: Settings, *, draw: bool, line: Line
) -> Counts:
    """Crop the photos into ``out`` and print the line of each.

    Raises:
        StreamappError: ``MODEL_MISMATCH``; ``FOLDER_UNUSABLE`` when ``out`` cannot be made.
    """
    read_model()  # rather no work than children that all fail at it
    counts = Counts()
    count = min(settings.worker_concurrency or cores(), len(photos))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names, and terminals without UTF-8
    many = len(photos) >= MANY and sys.stderr.isatty()
    with (
        _scratch_folder(out) as scratch,
        Meter().bar("Finding faces", len(photos)) if many else nullcontext() as bar,
    ):

        def tell(photo: PhotoFile, result: Cropped | StreamappError) -> None:
            counts.add(result)
            # Not typer.echo: it keeps the stream that the bar, on the same terminal, has to see.
            sys.stdout.write(f"{line(photo.path, result)}\n")
            sys.stdout.flush()
            if bar:
                bar.advance(1)

        order = Order(options(settings), settings.photo_bytes_max, out, scratch, draw)
        children = Children(
            count=count,
            initializer=warm_up,
            initargs=(order.options,),
            memory_bytes_max=settings.photo_memory_max,
        )
        work = _work_off(photos, order, children, settings.photo_time_limit_s, tell)
        run_until_stopped(work)
    return counts


@contextmanager
def _scratch_folder(out: Path) -> Iterator[Path]:
    """A folder in ``out``, on the same disk, for files that are not whole yet."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".streamapp-", dir=out)
    except OSError as error:
        raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error
    with folder as path:
        yield Path(path)


async def _work_off(
    photos: Sequence[PhotoFile], order: Order, children: Children, limit_s: float, tell: Tell
) -> None:
    jobs: deque[tuple[PhotoFile, asyncio.Task[Cropped | StreamappError]]] = deque()

    async def tell_first() -> None:
        photo, job = jobs[0]
        tell(photo, await job)
        jobs.popleft()

    try:
        for photo in photos:
            if len(jobs) == AHEAD * children.count:
                await tell_first()
            jobs.append((photo, asyncio.create_task(_result(photo, order, children, limit_s))))
        while jobs:
            await tell_first()
    finally:
        for _, job in jobs:
            job.cancel()
        await children.close()


async def _result(
    photo: PhotoFile, order: Order, children: Children, limit_s: float
) -> Cropped | StreamappError:
    try:
        return await children.run(crop_file, photo, order, limit_s=limit_s)
    except StreamappError as error:
        if error.code is Code.CHILD_STUCK:  # nothing but the photo can hold this child
            return StreamappError(Code.PHOTO_TIMED_OUT, error.detail)
        return error
    except ChildUnfit:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of ours must cost one photo, not the others
        return StreamappError(Code.INTERNAL, repr(error))
