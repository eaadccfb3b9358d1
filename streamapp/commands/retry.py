"""``streamapp retry``: the photos of a batch that failed are done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from streamapp.commands.asking import AsJson, Batch, asked
from streamapp.listing import show_json
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from streamapp.client import Client


def retry(batch: Batch, *, url: Address = HERE, as_json: AsJson = False) -> None:
    """Do the failed photos of a batch that has ended again, as its next run.

    "streamapp replay" does more: several batches, all photos, or other settings.

    Exit code 0 when the run has begun, or nothing had failed; 1 when it is refused: the batch is
    unknown, has not ended, or its archive is gone; 2 for a wrong usage.

    Try: streamapp retry BATCH && streamapp status BATCH --watch
    """

    async def work(client: Client) -> dict[str, Any]:
        return await client.ask("POST", f"/api/batch/{batch}/retry")

    answer = asked(url, work, batch)
    if as_json:
        show_json(answer)
    elif answer["run"] is None:
        typer.echo(f"batch {batch}: no photo failed")
    else:
        photos = f"{answer['photos']} photo{'' if answer['photos'] == 1 else 's'}"
        typer.echo(f"batch {batch}: run {answer['run']} does {photos} again")
