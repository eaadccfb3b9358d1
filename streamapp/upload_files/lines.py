"""What is told of a batch: a line for a person, or JSON, and where the reasons of failures are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from streamapp.progress import Status


def text(path: Path, batch: str, status: Status | None) -> str:
    """The line for a person."""
    if status is None:
        return f"{path}: batch {batch} is taken in; nobody can say yet how far it is"
    return f"{path}: {how_far(status)}"


def how_far(status: Status) -> str:
    """The sentence on a batch."""
    counts = status.progress
    skipped = f", {counted(status.skipped, 'file')} skipped" if status.skipped else ""
    return (
        f"batch {status.batch_id} is {status.status}: {counts.processed} of "
        f"{counted(counts.total, 'photo')} done, {counts.failed} of them failed{skipped}"
    )


def reasons(batch: str, failed: int) -> str:
    """Where it is written why photos failed."""
    where = f"batch_id = '{batch}' AND processing_status = 'failed'"
    columns = "photo_name, error_code, error_detail"
    query = f"SELECT {columns} FROM data_records WHERE {where}"  # noqa: S608 - only told
    return f"Why {counted(failed, 'photo')} failed: {query}"


def counted(number: int, noun: str) -> str:
    """``1 photo``, ``2 photos``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def json_line(path: Path, batch: str, status: Status | None) -> str:
    """``file``, ``batchId`` and the members of the API's ``batch``, as far as they are known."""
    known = msgspec.to_builtins(status) if status else {}
    name = os.fsencode(path).decode(errors="replace")  # a path need not be UTF-8, JSON must
    return msgspec.json.encode({"file": name, "batchId": batch, **known}).decode()


def duration(seconds: float) -> str:
    """``10 minutes``, ``3 seconds``."""
    if seconds < 60:  # noqa: PLR2004 - a minute's
        return counted(round(seconds), "second")
    return counted(round(seconds / 60), "minute")
