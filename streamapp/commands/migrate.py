"""``streamapp migrate``: the database has the schema of this release."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from streamapp.settings import read_settings

if TYPE_CHECKING:
    from connectors.records.interface import RecordStore, SchemaStep


def migrate(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell which steps are missing.")
    ] = False,
) -> None:
    """Bring the schema of the database of RECORDS_URL up to this release.

    Every worker does the same when it starts. Several may do it at once; a database that a later
    release has changed is refused.
    """
    from streamapp.wiring.stores import record_store  # noqa: PLC0415

    made = "missing" if dry_run else "made"
    for step in asyncio.run(_migrated(record_store(read_settings()), dry_run=dry_run)):
        typer.echo(f"{'present' if step.applied else made:8} {step.version:04} {step.name}")


async def _migrated(records: RecordStore, *, dry_run: bool) -> list[SchemaStep]:
    """The schema's steps as they were before those that were missing were made."""
    try:
        steps = await records.schema()
        if not dry_run:
            await records.prepare()
    finally:
        await records.close()
    return steps
