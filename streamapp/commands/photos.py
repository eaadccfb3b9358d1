"""``streamapp photos``: what became of the photos of a batch, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streamapp.commands.asking import AsJson, Batch, asked
from streamapp.commands.paging import Limit, show_pages
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamapp.client import Client

State = Annotated[
    Literal["completed", "failed", "cancelled", "queued", "no-face"] | None,
    typer.Option("--state", help="Only those; no-face: completed, and no face was found."),
]


def photos(
    batch: Batch,
    *,
    state: State = None,
    limit: Limit = 0,
    url: Address = HERE,
    as_json: AsJson = False,
) -> None:
    """List the photos of a batch, in the archive's order.

    A line for each: its index, state, faces, name, and of a failed one the code and what is known
    of it. With --json also each face's box, figures and the links to crop and original.

    Exit code 0 when they are listed, also when there are none; 1 when the batch is unknown or
    nobody could say; 2 for a wrong usage.

    Try: streamapp photos BATCH --state failed
    """

    async def work(client: Client) -> None:
        await show_pages(
            client,
            f"/api/batch/{batch}/photos",
            {"state": state or ""},
            member="photos",
            cursor="after",
            limit=limit,
            columns=("photo", "state", "faces", "name", "code", "detail"),
            cells=_cells,
            as_json=as_json,
        )

    asked(url, work, batch)


def _cells(photo: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(photo["index"]),
        photo["status"],
        str(len(photo["faces"])),
        photo["name"],
        photo["errorCode"] or "",
        photo["errorDetail"],
    )
