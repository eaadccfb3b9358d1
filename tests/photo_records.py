"""Rows as the tests write them, complete in every field."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.records.interface import PhotoRecord
from streamapp.keys import record_id

BATCH = "batch-1"


def a_row(index: int = 0, **changes: Any) -> PhotoRecord:
    row = PhotoRecord(
        id=record_id(BATCH, index),
        batch_id=BATCH,
        project_id="project",
        photo_index=index,
        photo_name=f"portraits/{index}.jpg",
        processing_status="completed",
        face_detected=True,
        cropped_photo_url=f"http://store/bucket/crops/{BATCH}/{index:08d}.jpg",
        face_crop_url=f"http://store/bucket/crops/{BATCH}/{index:08d}.jpg",
        face_x=-3,
        face_y=20,
        face_width=300,
        face_height=400,
        face_score=0.9375123456789,
        error_code=None,
        error_detail="",
        finished_at=1_700_000_000.123456,
    )
    return msgspec.structs.replace(row, **changes)


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
        "error_code": "photo_broken",
        "error_detail": "truncated after 17 bytes",
    }
    return a_row(index, **(failure | changes))
