"""What ``streamapp upload`` says, in the singular and the plural."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from streamapp.progress import Counts, Status
from streamapp.upload_files.lines import counted, duration, json_line, text


def test_one_is_singular() -> None:
    status = Status(
        batch_id="b",
        status="completed",
        image_count=1,
        progress=Counts(processed=1, total=1, failed=0),
        progress_percent=100,
        skipped=1,
    )
    assert text(Path("a.zip"), "b", status) == (
        "a.zip: batch b is completed: 1 of 1 photo done, 0 of them failed, 1 file skipped"
    )
    assert counted(0, "photo") == "0 photos"


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 second"), (3, "3 seconds"), (60, "1 minute"), (600, "10 minutes")]
)
def test_a_duration_has_the_unit_that_fits(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_path_that_is_not_utf_8_is_told_in_json() -> None:
    path = Path(os.fsdecode(b"bad\xff"))
    assert msgspec.json.decode(json_line(path, "b", None)) == {"file": "bad\ufffd", "batchId": "b"}
