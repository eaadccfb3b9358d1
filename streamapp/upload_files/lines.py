"""The line that tells of a batch: for a person, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from streamapp.progress import Status


def text(path: Path, batch: str, status: Status | None) -> str:
    """The line for a person."""
    if status is None:
        return f"{path}: batch {batch} is taken in; nobody can say yet how far it is"
    counts = status.progress
    skipped = f", {status.skipped} files skipped" if status.skipped else ""
    return (
        f"{path}: batch {batch} is {status.status}: {counts.processed} of {counts.total} photos "
        f"done, {counts.failed} of them failed{skipped}"
    )


def json_line(path: Path, batch: str, status: Status | None) -> str:
    """``file``, ``batchId`` and the members of the API's ``batch``, as far as they are known."""
    known = msgspec.to_builtins(status) if status else {}
    return msgspec.json.encode({"file": str(path), "batchId": batch, **known}).decode()
