"""Rows as the tests write them, complete in every field."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.records.interface import PhotoRecord
from streamapp.keys import crop_key, record_id

BATCH = "batch-1"


def a_row(index: int = 0, face: int = 0, **changes: Any) -> PhotoRecord:
    url = f"http://store/bucket/{crop_key(BATCH, index, face)}"
    row = PhotoRecord(
        id=record_id(BATCH, index, face),
        batch_id=BATCH,
        project_id="project",
        photo_index=index,
        face_index=face,
        photo_name=f"portraits/{index}.jpg",
        processing_status="completed",
        face_detected=True,
        cropped_photo_url=url,
        face_crop_url=url,
        face_x=-3,
        face_y=20,
        face_width=300,
        face_height=400,
        face_score=0.9375123456789,
        face_sharpness=1234.5,
        face_brightness=127.5,
        face_tilt=-7.25,
        face_rejected=None,
        error_code=None,
        error_detail="",
        finished_at=1_700_000_000.123456,
    )
    return msgspec.structs.replace(row, **changes)


def a_rejected_row(index: int = 0, face: int = 0, **changes: Any) -> PhotoRecord:
    rejection = {"face_rejected": "blurred", "cropped_photo_url": None, "face_crop_url": None}
    return a_row(index, face, **(rejection | changes))


def a_failed_row(index: int = 0, **changes: Any) -> PhotoRecord:
    failure: dict[str, Any] = {
        "processing_status": "failed",
        "face_detected": False,
        "cropped_photo_url": None,
        "face_crop_url": None,
        "face_x": None,
        "face_y": None,
        "face_width": None,
        "face_height": None,
        "face_score": None,
        "face_sharpness": None,
        "face_brightness": None,
        "face_tilt": None,
        "error_code": "photo_broken",
        "error_detail": "truncated after 17 bytes",
    }
    return a_row(index, **(failure | changes))


def a_queued_row(index: int = 0, **changes: Any) -> PhotoRecord:
    return a_cancelled_row(
        index, **({"processing_status": "queued", "finished_at": None} | changes)
    )


def a_cancelled_row(index: int = 0, **changes: Any) -> PhotoRecord:
    cancelled = {"processing_status": "cancelled", "error_code": None, "error_detail": ""}
    return a_failed_row(index, **(cancelled | changes))
