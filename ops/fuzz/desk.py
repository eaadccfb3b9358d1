"""The worker's detection with real children, a folder for a store, and no Kafka around it.

Photos are delivered from memory and their outcomes kept there; everything between, the runs, the
retries, the children and their bounds, is the product's own.
"""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from faust.types import TP

from connectors.objects.folder import FolderStore
from streamapp import archive, crop_run
from streamapp.crop_run import Cropper
from streamapp.errors import Code, StreamappError
from streamapp.events import Outcome, PhotoQueued, PhotosFinished
from streamapp.keys import archive_key
from streamapp.stream.backlog import Delivery
from streamapp.stream.circuit import Circuit
from streamapp.stream.control import Control
from streamapp.stream.detect import Detection
from streamapp.stream.metrics import Metrics
from streamapp.stream.retry import Retries
from streamapp.topics import Topics
from streamapp.vision import DEFAULTS
from streamapp.vision.children import Children

if TYPE_CHECKING:
    from streamapp.stream.outlet import Message

T = TypeVar("T")

MEMORY_BYTES_MAX = 1536 << 20
_PARTITION = TP("photos", 0)


class Desk:
    """Works off photos as a worker does; ``await open()`` first, ``await close()`` in the end."""

    def __init__(
        self,
        folder: Path,
        *,
        children: int,
        photo_time_limit_s: float,
        memory_bytes_max: int = MEMORY_BYTES_MAX,
    ) -> None:
        self.store = FolderStore(folder)
        self.children = CountedChildren(
            count=children,
            initializer=crop_run.equip,
            initargs=(_make_cropper, folder, photo_time_limit_s),
            memory_bytes_max=memory_bytes_max,
        )
        self._photo_time_limit_s = photo_time_limit_s

    async def open(self) -> None:
        """Start the children."""
        self.store.prepare()
        await self.children.start()

    async def close(self) -> None:
        """End them."""
        await self.children.close()

    async def outcomes(self, batch: str, photos: Sequence[bytes]) -> list[Outcome]:
        """The outcome of each photo; the crops are in the store."""
        claims = self._stored(batch, photos)
        log = _Log()
        detection = Detection(
            cast("Any", log),
            control=Control(time.time),
            retries=Retries(
                cast("Any", log),
                Topics(partitions=1, attempts=1),
                metrics=Metrics(),
                retry_delay_s=1,
                clock=time.time,
                chance=lambda: 0.5,
            ),
            children=self.children,
            circuit=Circuit("objects", time.time),
            metrics=Metrics(),
            photo_time_limit_s=self._photo_time_limit_s,
            lane_photos_max=len(photos),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(detection.work())
            for claim in claims:
                await detection.take(Delivery(log.event(claim.index), claim, "normal"))
            while log.acknowledged < len(claims):  # noqa: ASYNC110 - there is nothing to await
                await asyncio.sleep(0.01)
            await detection.finish()
        return [log.outcomes[claim.index] for claim in claims]

    def _stored(self, batch: str, photos: Sequence[bytes]) -> list[PhotoQueued]:
        """The claim checks of an archive of the photos, which is put into the store."""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as opened:
            for number, photo in enumerate(photos):
                opened.writestr(f"{number:06d}.jpg", photo)
        content = file.getvalue()
        self.store.put(archive_key(batch), content, "application/zip")
        entries = archive.photos(
            lambda start, length: content[start : start + length], len(content), archive.Limits()
        )
        return [
            PhotoQueued(
                batch=batch,
                project="fuzz",
                index=entry.index,
                name=entry.name,
                archive=archive_key(batch),
                header_offset=entry.header_offset,
                compressed_bytes=entry.compressed_bytes,
                photo_bytes=entry.photo_bytes,
                method=entry.method,
                crc=entry.crc,
            )
            for entry in entries
        ]


class CountedChildren(Children):
    """Children whose violent ends are counted by their reason."""

    def __init__(self, **bounds: Any) -> None:
        super().__init__(**bounds)
        self.ends: Counter[str] = Counter()

    async def run(self, function: Callable[..., T], *args: Any, limit_s: float) -> T:
        """As the product's."""
        try:
            return await super().run(function, *args, limit_s=limit_s)
        except StreamappError as error:
            if error.code in (Code.PHOTO_CRASHED, Code.PHOTO_TIMED_OUT, Code.CHILD_STUCK):
                self.ends[error.detail or error.code.code] += 1
            raise


class _Log:
    """The batch log, and the app of the events."""

    should_stop = False
    revoked_generation = 0
    consumer_generation_id = 1

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.acknowledged = 0

    async def bury(self, _photo: Message) -> None:
        """Its outcome is told as well."""

    async def tell(self, event: PhotosFinished) -> None:
        self.outcomes |= {outcome.index: outcome for outcome in event.outcomes}

    def event(self, offset: int) -> Any:
        message = SimpleNamespace(tp=_PARTITION, offset=offset, generation_id=1)
        return SimpleNamespace(app=self, message=message, ack=self._acknowledge)

    def _acknowledge(self) -> None:
        self.acknowledged += 1


def _make_cropper(folder: Path, photo_time_limit_s: float) -> Cropper:
    return Cropper(FolderStore(folder), DEFAULTS, photo_time_limit_s=photo_time_limit_s)
