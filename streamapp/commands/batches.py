"""``streamapp batches``: which batches there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streamapp.commands.asking import AsJson, asked
from streamapp.commands.paging import Limit, show_pages
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamapp.client import Client

COLUMNS = ("batch", "status", "photos", "done", "failed", "priority", "taken in", "project", "name")

State = Annotated[
    Literal["queued", "processing", "completed", "cancelled"] | None,
    typer.Option("--status", help="Only those."),
]
Project = Annotated[str, typer.Option("--project", help="Only those of this project.")]
ExternalId = Annotated[str, typer.Option("--external-id", help="Only those that you named so.")]


def batches(
    *,
    state: State = None,
    project: Project = "",
    external_id: ExternalId = "",
    limit: Limit = 50,
    url: Address = HERE,
    as_json: AsJson = False,
) -> None:
    """List batches, the newest first.

    A line for each: its id, status, photos, how many of them are done and how many failed, its
    priority, when it was taken in (UTC), its project, and your own name for it.

    Exit code 0 when they are listed, also when there are none; 1 when nobody could say; 2 for a
    wrong usage.

    Try: streamapp batches --status processing, or: streamapp batches --project demo --limit 0
    """

    async def work(client: Client) -> None:
        await show_pages(
            client,
            "/api/batch",
            {"status": state or "", "projectId": project, "externalId": external_id},
            member="batches",
            cursor="before",
            limit=limit,
            columns=COLUMNS,
            cells=_cells,
            as_json=as_json,
        )

    asked(url, work)


def _cells(batch: Mapping[str, Any]) -> tuple[str, ...]:
    taken_in = datetime.fromtimestamp(batch["createdAt"], UTC)
    return (
        batch["batchId"],
        batch["status"],
        str(batch["imageCount"]),
        str(batch["progress"]["processed"]),
        str(batch["progress"]["failed"]),
        str(batch["priority"]),
        f"{taken_in:%Y-%m-%d %H:%M:%S}",
        batch["projectId"],
        batch["externalId"],
    )
