"""What the reading calls answer of batches and photos, made of statuses and rows; pure.

Times are Unix seconds, coordinates pixels of the upright original, links paths of this server.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from streamapp.progress import ENDED, Counts, RunStatus, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.records.interface import BatchRecord, PhotoRecord

Source = Literal["table", "records"]


class _Json(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object of an answer."""


class Batch(_Json, frozen=True, kw_only=True):
    """A batch in a list; `streamapp.progress.Status` explains what both have."""

    batch_id: str
    project_id: str
    external_id: str
    status: str
    image_count: int
    progress: Counts
    progress_percent: int
    priority: int
    cancelled: int
    run: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    links: dict[str, str]


class BatchInFull(Batch, frozen=True, kw_only=True):
    """A batch.

    ``source`` tells who said so: the progress ``table`` of its owner, or the ``records`` of the
    database while the owner is replaced; ``as_of`` when it was so. ``rate_per_second`` is of the
    run that was started last, from its first photo on; ``eta_seconds`` is what it has left at that
    rate. ``failed_by`` counts its failed photos by code.
    """

    queued: int | None
    skipped: int
    skipped_by: dict[str, int]
    settled: bool
    runs: tuple[RunStatus, ...]
    rate_per_second: float | None
    eta_seconds: int | None
    failed_by: dict[str, int]
    source: Source
    as_of: float


class FaceView(_Json, frozen=True, kw_only=True):
    """A face of a photo, the best one first; see `events.Face`."""

    face: int
    x: int | None
    y: int | None
    width: int | None
    height: int | None
    score: float | None
    sharpness: float | None
    brightness: float | None
    tilt: float | None
    rejected: str | None
    links: dict[str, str]


class Photo(_Json, frozen=True, kw_only=True):
    """A photo: its state, why it failed, its faces."""

    index: int
    name: str
    status: str
    run: int
    finished_at: float | None
    error_code: str | None
    error_detail: str
    faces: tuple[FaceView, ...]
    links: dict[str, str]


class BatchesAnswer(_Json, frozen=True, kw_only=True):
    """A page of batches."""

    success: bool = True
    batches: list[Batch]
    next: str | None


class BatchAnswer(_Json, frozen=True, kw_only=True):
    """One batch."""

    success: bool = True
    batch: BatchInFull


class PhotosAnswer(_Json, frozen=True, kw_only=True):
    """A page of photos."""

    success: bool = True
    photos: list[Photo]
    next: int | None


class PhotoAnswer(_Json, frozen=True, kw_only=True):
    """One photo."""

    success: bool = True
    photo: Photo


def status_of(record: BatchRecord) -> Status:
    """What a row tells of a batch, as a status that knows less."""
    return Status(
        batch_id=record.id,
        status=record.status,
        image_count=record.photos,
        progress=Counts(processed=record.processed, total=record.photos, failed=record.failed),
        progress_percent=100 * record.processed // record.photos if record.photos else 0,
        priority=record.priority,
        external_id=record.external_id,
        cancelled=record.cancelled,
        run=record.run,
    )


def further(one: Status, other: Status) -> Status:
    """The one of two statuses of a batch that is later: nobody is to see it go back."""
    return max(one, other, key=_how_far)


def _how_far(status: Status) -> tuple[int, int, int, bool]:
    ended = status.status in ENDED
    return status.run, status.image_count, status.progress.processed, ended


def listed(record: BatchRecord, base: str) -> Batch:
    """A batch in a list; ``base`` is the path of all batches."""
    return Batch(**_shared(status_of(record), record, base))


def in_full(
    status: Status,
    record: BatchRecord,
    *,
    failed_by: dict[str, int],
    source: Source,
    as_of: float,
    base: str,
) -> BatchInFull:
    """A batch."""
    rate, eta = _pace(status, record, as_of)
    return BatchInFull(
        **_shared(status, record, base),
        queued=status.queued if source == "table" else None,
        skipped=status.skipped,
        skipped_by=status.skipped_by,
        settled=status.settled,
        runs=status.runs,
        rate_per_second=rate,
        eta_seconds=eta,
        failed_by=failed_by,
        source=source,
        as_of=as_of,
    )


def photos_of(rows: Iterable[PhotoRecord], base: str) -> list[Photo]:
    """The photos of rows that are in order."""
    return [
        _photo(list(of_photo), base) for _, of_photo in groupby(rows, lambda row: row.photo_index)
    ]


def _shared(status: Status, record: BatchRecord, base: str) -> dict[str, Any]:
    own = f"{base}/{status.batch_id}"
    return {
        "batch_id": status.batch_id,
        "project_id": record.project_id,
        "external_id": status.external_id,
        "status": status.status,
        "image_count": status.image_count,
        "progress": status.progress,
        "progress_percent": status.progress_percent,
        "priority": status.priority,
        "cancelled": status.cancelled,
        "run": status.run,
        "created_at": record.created_at,
        "started_at": record.started_at,
        "ended_at": record.ended_at if status.status in ENDED else None,
        "links": {
            "self": own,
            "status": f"{base}/status/{status.batch_id}",
            "photos": f"{own}/photos",
            "csv": f"{own}/results.csv",
            "jsonl": f"{own}/results.jsonl",
            "parquet": f"{own}/results.parquet",
            "crops": f"{own}/crops.zip",
        },
    }


def _pace(status: Status, record: BatchRecord, as_of: float) -> tuple[float | None, int | None]:
    """Photos a second of the last run, and the seconds that it needs for its rest."""
    last = status.runs[-1] if status.runs else None
    if last is None and status.run > 1:
        return None, None  # a row tells of the batch, not of its runs
    done, photos = (
        (last.processed, last.photos)
        if last
        else (status.progress.processed, status.progress.total)
    )
    ended = status.status in ENDED
    end = record.ended_at if ended and record.ended_at is not None else as_of
    if record.started_at is None or not done or end <= record.started_at:
        return None, None
    rate = done / (end - record.started_at)
    return round(rate, 3), None if ended else round((photos - done) / rate)


def _photo(rows: list[PhotoRecord], base: str) -> Photo:
    first = rows[0]
    own = f"{base}/{first.batch_id}/photos/{first.photo_index}"
    faces = tuple(_face(row, own) for row in rows if row.face_detected)
    crop = {"crop": faces[0].links["crop"]} if faces and faces[0].links else {}
    return Photo(
        index=first.photo_index,
        name=first.photo_name,
        status=first.processing_status,
        run=first.run,
        finished_at=first.finished_at,
        error_code=first.error_code,
        error_detail=first.error_detail,
        faces=faces,
        links={"self": own, "original": f"{own}/original"} | crop,
    )


def _face(row: PhotoRecord, own: str) -> FaceView:
    return FaceView(
        face=row.face_index,
        x=row.face_x,
        y=row.face_y,
        width=row.face_width,
        height=row.face_height,
        score=row.face_score,
        sharpness=row.face_sharpness,
        brightness=row.face_brightness,
        tilt=row.face_tilt,
        rejected=row.face_rejected,
        links={"crop": f"{own}/crop?face={row.face_index}"} if row.face_crop_url else {},
    )
