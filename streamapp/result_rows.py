"""The results of a batch as a table: the same columns for every format and every way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.records.interface import PhotoRecord

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class ResultRow(msgspec.Struct, frozen=True, kw_only=True):
    """A face, or a photo without one.

    ``face`` tells whether the photo shows one, None of a photo that was not worked on or failed;
    ``crop`` is the name of its file among the crops. The rest is as in `PhotoRecord`.
    """

    photo: str
    status: str
    face: bool | None
    face_index: int | None
    crop: str | None
    x: int | None
    y: int | None
    width: int | None
    height: int | None
    score: float | None
    sharpness: float | None
    brightness: float | None
    tilt: float | None
    rejected: str | None
    error_code: str | None
    error_detail: str


COLUMNS = ResultRow.__struct_fields__


def result_row(record: PhotoRecord, crop: str | None) -> ResultRow:
    """The row of a record; ``crop`` is what its crop is called, if it has one."""
    return ResultRow(
        photo=record.photo_name,
        status=record.processing_status,
        face=record.face_detected if record.processing_status == "completed" else None,
        face_index=record.face_index if record.face_detected else None,
        crop=crop,
        x=record.face_x,
        y=record.face_y,
        width=record.face_width,
        height=record.face_height,
        score=record.face_score,
        sharpness=record.face_sharpness,
        brightness=record.face_brightness,
        tilt=record.face_tilt,
        rejected=record.face_rejected,
        error_code=record.error_code,
        error_detail=record.error_detail,
    )


def csv_cells(row: ResultRow) -> Iterator[object]:
    """The row as it is written into a CSV, for people and their spreadsheets."""
    for column in COLUMNS:
        value = getattr(row, column)
        if column == "face" and value is not None:
            yield "yes" if value else "no"
        elif column == "score" and value is not None:
            yield f"{value:.3f}"
        else:
            yield csv_text(value) if isinstance(value, str) else value


def csv_text(text: str) -> str:
    """The text, with ``'`` in front where a spreadsheet would take it for a formula.

    Names come out of archives nobody vouches for. Follows OWASP's "CSV Injection"; JSON Lines and
    Parquet, which nobody calculates, have the text as it is.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
