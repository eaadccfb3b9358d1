"""``streamapp status``: how far a batch is, once or until it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streamapp.commands.asking import AsJson, Batch, asked
from streamapp.listing import show_json
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from streamapp.client import Client
    from streamapp.progress import Status

Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Go on until the batch has ended, with a bar.")
]
PatienceMinutes = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="MINUTES",
        min=0,
        help="With --watch: give up when nobody could say how far it is for so long.",
    ),
]


def status(
    batch: Batch,
    *,
    url: Address = HERE,
    watch: Watch = False,
    patience: PatienceMinutes = 10.0,
    as_json: AsJson = False,
) -> None:
    """Tell how far a batch is.

    With --watch it goes on until the batch has ended: on a terminal with a bar, in a pipe with a
    line at every quarter on standard error, with --json with a line for each change. Ctrl-C stops
    watching; the batch goes on.

    Exit code 0 when it was told, also when photos failed; 1 when nobody could say, the batch is
    unknown, or watching it ended with its cancellation; 2 for a wrong usage.

    Try: streamapp status BATCH --watch
    """
    from streamapp.meter import Meter  # noqa: PLC0415 - for help nobody need wait for it
    from streamapp.upload_files.watching import end_of  # noqa: PLC0415

    tell = _tell_json if as_json else _tell

    async def look(client: Client) -> Status:
        return await client.status(batch)

    async def wait(client: Client) -> Status:
        with Meter().bar(f"Batch {batch}", None) as bar:
            changes = _tell_json if as_json else _pass
            return await end_of(client, batch, bar, patience_s=60 * patience, tell=changes)

    found = asked(url, wait if watch else look, batch)
    if not (watch and as_json):
        tell(found)
    raise typer.Exit(1 if watch and found.status == "cancelled" else 0)


def _pass(_status: Status) -> None:
    """The bar tells it."""


def _tell_json(found: Status) -> None:
    show_json(msgspec.to_builtins(found))


def _tell(found: Status) -> None:
    from streamapp.upload_files.lines import counted, how_far  # noqa: PLC0415

    typer.echo(how_far(found))
    for run in found.runs:
        changes = "".join(f", {name}={value}" for name, value in sorted(run.settings.items()))
        typer.echo(
            f"run {run.run} is {run.status}: {run.processed} of {counted(run.photos, 'photo')} "
            f"done, {run.failed} of them failed{changes}"
        )
