"""Page *errors*: the last warnings of every worker's log, and the last photos that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streamapp.stream.faults import FailedPhoto, Fault
    from streamapp.stream.pages.report import Group

LINES_MAX = 100


class FaultLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A worker's fault."""

    worker: str
    fault: Fault


class PhotoLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A photo that failed in a worker."""

    worker: str
    photo: FailedPhoto


class Errors(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Newest first."""

    faults: tuple[FaultLine, ...]
    photos: tuple[PhotoLine, ...]


def of(group: Group) -> Errors:
    """The page's data."""
    faults = [
        FaultLine(worker=report.worker, fault=each)
        for report in group.reports
        for each in report.faults
    ]
    photos = [
        PhotoLine(worker=report.worker, photo=each)
        for report in group.reports
        for each in report.failed_photos
    ]
    return Errors(
        faults=tuple(sorted(faults, key=lambda each: -each.fault.at)[:LINES_MAX]),
        photos=tuple(sorted(photos, key=lambda each: -each.photo.at)[:LINES_MAX]),
    )
