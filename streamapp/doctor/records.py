"""Whether the database is reached, has the schema, and takes a row."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from connectors.records.interface import BatchRecord
from streamapp.doctor.finding import Finding
from streamapp.wiring.stores import record_store

if TYPE_CHECKING:
    from connectors.records.interface import RecordStore
    from streamapp.settings import Settings

ADVICE = "Does it run, does RECORDS_URL name it, its user and a database that is there?"


async def writable(settings: Settings) -> Finding:
    """A row of our own is written and removed; only when the schema is this release's."""
    store = record_store(settings)
    try:
        return await _try(store)
    finally:
        await store.close()


async def _try(store: RecordStore) -> Finding:
    steps = await store.schema()
    version = await store.version()
    if missing := [step.name for step in steps if not step.applied]:
        return Finding(
            "records",
            "warn",
            f"{version} answers; steps of the schema are missing: {', '.join(missing)}",
            "Run: streamapp migrate. A worker that starts does it, too.",
        )
    row = BatchRecord(
        id=uuid4().hex,
        project_id="streamapp doctor",
        status="cancelled",
        priority=10,
        photos=0,
        created_at=0.0,
    )
    try:
        await store.upsert_batch(row)
        written = await store.batch(row.id)
    finally:
        await store.delete(row.id)
    if written != row:
        return Finding("records", "fail", f"{version} gives back other than was written", ADVICE)
    return Finding("records", "ok", f"{version}, with the schema of this release; takes rows")
