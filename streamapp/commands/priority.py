"""``streamapp priority``: a batch becomes more urgent, or less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamapp.commands.asking import AsJson, Batch, asked
from streamapp.listing import show_json
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from streamapp.client import Client

Urgency = Annotated[
    int, typer.Argument(metavar="PRIORITY", min=1, max=10, help="1 to 10; 1 is the most urgent.")
]


def priority(
    batch: Batch, urgency: Urgency, *, url: Address = HERE, as_json: AsJson = False
) -> None:
    """Give a batch another priority: what is queued from now on goes by it.

    1 to 3, 4 to 7 and 8 to 10 are lanes of their own; of ten photos six, three and one are theirs
    while all have some.

    Exit code 0 when it is changed; 1 when it cannot be: the batch is unknown or has ended; 2 for a
    wrong usage.

    Try: streamapp priority BATCH 1
    """

    async def work(client: Client) -> dict[str, Any]:
        path = f"/api/batch/{batch}/priority"
        return await client.ask("POST", path, json={"priority": urgency})

    answer = asked(url, work, batch)
    if as_json:
        show_json({**answer, "priority": urgency})
    else:
        typer.echo(f"batch {batch} has priority {urgency} from now on")
