"""Rows of batches as the tests write them, complete in every field."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.records.interface import BatchRecord


def a_batch(batch: str = "batch-1", **changes: Any) -> BatchRecord:
    row = BatchRecord(
        id=batch,
        project_id="project",
        external_id="order 17",
        status="processing",
        priority=5,
        photos=100,
        processed=40,
        failed=3,
        run=1,
        created_at=1_700_000_000.123456,
        started_at=1_700_000_001.5,
    )
    return msgspec.structs.replace(row, **changes)


def an_ended_batch(batch: str = "batch-1", **changes: Any) -> BatchRecord:
    ended = {"status": "completed", "processed": 100, "ended_at": 1_700_000_009.25}
    return a_batch(batch, **(ended | changes))
