"""What the product asks of the database: rows of ``data_records`` and of ``batches``.

There is one of ``data_records`` per face, or one per photo without a face, and one of ``batches``
per batch.

A database that does not answer raises `StreamappError` with ``RECORDS_AWAY`` (fate: wait). No
other exception leaves a connector for a fault of the service. A row the database refuses, which
only an id of ours that is too long can bring about, raises ``INTERNAL``; odd names never do: text
that UTF-8 cannot carry is replaced and text that is longer than its column is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

PhotoState = Literal["completed", "failed", "cancelled", "queued", "no-face"]
"""What photos are asked for by; ``no-face`` are those of ``completed`` that show none."""

BatchState = Literal["queued", "processing", "completed", "cancelled"]


class PhotoRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``data_records``: a face, or a photo without any, which the defaults describe.

    The faces of a photo count from 0, the best one; a photo without a face has ``face_index`` 0.
    ``run`` is the batch's run that the outcome is of, from 1. A photo that is ``queued`` has no
    outcome yet and no ``finished_at``. Times are Unix seconds, kept to the microsecond, coordinates
    pixels of the original;
    ``face_sharpness``, ``face_brightness`` and ``face_tilt`` are those of `events.Face`. A face
    that is ``face_rejected`` for one of them has no crop and no URL.
    """

    id: str
    batch_id: str
    project_id: str
    photo_index: int
    face_index: int = 0
    photo_name: str
    run: int = 1
    processing_status: Literal["queued", "completed", "failed", "cancelled"]
    face_detected: bool = False
    cropped_photo_url: str | None = None
    face_crop_url: str | None = None
    face_x: int | None = None
    face_y: int | None = None
    face_width: int | None = None
    face_height: int | None = None
    face_score: float | None = None
    face_sharpness: float | None = None
    face_brightness: float | None = None
    face_tilt: float | None = None
    face_rejected: str | None = None
    error_code: str | None = None
    error_detail: str = ""
    finished_at: float | None = None


class BatchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``batches``: how far a batch is, a projection of the batch log.

    Counts are of the batch, as its status tells them: ``processed`` photos are in a final state,
    the ``failed`` ones included; ``cancelled`` are those that a cancelled batch leaves undone.
    ``run`` is the run that was started last. Times are Unix seconds: ``created_at`` when the batch
    was taken in, ``started_at`` when its first photo was done, or that later run began,
    ``ended_at`` when it ended; None until then.
    """

    id: str
    project_id: str
    external_id: str = ""
    status: BatchState
    priority: int
    photos: int
    processed: int = 0
    failed: int = 0
    cancelled: int = 0
    run: int = 1
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None


class SchemaStep(NamedTuple):
    """A step to the schema, and whether the database has made it."""

    version: int
    name: str
    applied: bool


class RecordStore(Protocol):
    """The rows of all batches."""

    async def prepare(self) -> None:
        """Bring the schema up to this code's; safe to run twice and from several replicas at once.

        Raises:
            StreamappError: ``RECORDS_NEWER``: a later release has made the schema.
        """
        ...

    async def schema(self) -> list[SchemaStep]:
        """The steps to this code's schema; changes nothing. Raises as `prepare`."""
        ...

    async def version(self) -> str:
        """What the database is, and its version: ``MySQL 8.4.3``."""
        ...

    async def upsert(self, rows: Sequence[PhotoRecord]) -> None:
        """Write the rows in one transaction, by ``id``; repeating it changes nothing.

        All rows of a photo's outcome come in one call. Of several outcomes of a photo the one that
        is left, with its rows and no others, is the same in whatever order they come: a
        ``completed`` or ``failed`` one before a ``cancelled``, any before a ``queued``, then that
        of the higher run, then a ``completed`` before a ``failed``, else the newer.
        """
        ...

    def rows(self, batch: str) -> AsyncIterator[PhotoRecord]:
        """The rows of a batch by photo index, then face index, read in pages of bounded size."""
        ...

    async def upsert_batch(self, batch: BatchRecord) -> None:
        """Write the row of a batch; repeating it changes nothing.

        It never goes back: the row of a later run is left, of those of a run the one with more
        photos, then with more of them processed, then the one that has ended, else the newer.
        """
        ...

    async def batch(self, batch_id: str) -> BatchRecord | None:
        """The row of a batch; None of an unknown one."""
        ...

    async def written_at(self, batch_id: str) -> float | None:
        """When the row of a batch was changed last, Unix seconds by the database's clock.

        None of an unknown one.
        """
        ...

    async def batches(
        self,
        *,
        status: BatchState | None = None,
        project: str | None = None,
        external_id: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[BatchRecord]:
        """Batches for which all that is given holds, newest first, at most ``limit``.

        ``before`` is the id of the last one of the page before; behind one that is gone there is
        nothing.
        """
        ...

    async def photos(
        self,
        batch: str,
        *,
        state: PhotoState | None = None,
        after: int = -1,
        limit: int = 100,
    ) -> list[PhotoRecord]:
        """All rows of up to ``limit`` photos of the batch with an index beyond ``after``, in order.

        ``completed`` are those without a face, too.
        """
        ...

    async def photo(self, batch: str, index: int) -> list[PhotoRecord]:
        """The rows of a photo by face index; none of an unknown one."""
        ...

    async def failed_by(self, batch: str) -> dict[str, int]:
        """How many photos of the batch failed with each code."""
        ...

    async def delete(self, batch: str) -> None:
        """Remove every row of the batch, in steps of bounded size, that of ``batches`` last."""
        ...

    async def counts(self, batch: str) -> dict[str, int]:
        """How many photos (not faces) of the batch have each ``processing_status``."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...
