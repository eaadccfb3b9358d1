"""``streamapp cancel``: no more of a batch's photos are worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from streamapp.commands.asking import AsJson, Batch, asked
from streamapp.listing import show_json
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from streamapp.client import Client


def cancel(batch: Batch, *, url: Address = HERE, as_json: AsJson = False) -> None:
    """Cancel a batch, or of one that is done again the run under way.

    No more of its photos are queued, and those that are get passed over; a few that are in work
    may still be finished. What was done before stays. To cancel it again is no error.

    Exit code 0 when it is cancelled; 1 when it cannot be: it is unknown or has ended; 2 for a
    wrong usage.

    Try: streamapp cancel BATCH && streamapp status BATCH
    """

    async def work(client: Client) -> dict[str, Any]:
        return await client.ask("POST", f"/api/batch/{batch}/cancel")

    answer = asked(url, work, batch)
    if as_json:
        show_json(answer)
    else:
        typer.echo(f"batch {batch} is being cancelled")
