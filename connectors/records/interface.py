"""What the product asks of the database: rows of ``data_records``.

There is one per face, or one per photo without a face.

A database that does not answer raises `StreamappError` with ``RECORDS_AWAY`` (fate: wait). No
other exception leaves a connector for a fault of the service. A row the database refuses, which
only an id of ours that is too long can bring about, raises ``INTERNAL``; odd names never do: text
that UTF-8 cannot carry is replaced and text that is longer than its column is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


class PhotoRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``data_records``: a face, or a photo without any, which the defaults describe.

    The faces of a photo count from 0, the best one; a photo without a face has ``face_index`` 0.
    ``run`` is the batch's run that the outcome is of, from 1. Times are Unix seconds, kept to the
    microsecond, coordinates pixels of the original;
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
    processing_status: Literal["completed", "failed", "cancelled"]
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
    finished_at: float


class RecordStore(Protocol):
    """The rows of all batches."""

    async def prepare(self) -> None:
        """Create what is missing of the schema; safe to run twice and from several replicas."""
        ...

    async def upsert(self, rows: Sequence[PhotoRecord]) -> None:
        """Write the rows in one transaction, by ``id``; repeating it changes nothing.

        All rows of a photo's outcome come in one call. Of several outcomes of a photo the one that
        is left, with its rows and no others, is the same in whatever order they come: a
        ``completed`` or ``failed`` one before a ``cancelled``, then that of the higher run, then
        a ``completed`` before a ``failed``, else the newer.
        """
        ...

    def rows(self, batch: str) -> AsyncIterator[PhotoRecord]:
        """The rows of a batch by photo index, then face index, read in pages of bounded size."""
        ...

    async def counts(self, batch: str) -> dict[str, int]:
        """How many photos (not faces) of the batch have each ``processing_status``."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...
