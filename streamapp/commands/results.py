"""``streamapp results``: what became of each photo, as one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from streamapp.commands.asking import Batch, asked
from streamapp.commands.saving import STANDARD_OUTPUT, save
from streamapp.uploader_address import HERE, Address

if TYPE_CHECKING:
    from streamapp.client import Client

    Form = Literal["csv", "jsonl", "parquet"]

FORMS = ("csv", "jsonl", "parquet")

Out = Annotated[str, typer.Option("--out", metavar="FILE", help="Where to; - is standard output.")]
Format = Annotated[
    Literal["csv", "jsonl", "parquet"] | None,
    typer.Option("--format", help="Else as the file is called, or csv."),
]


def results(
    batch: Batch, *, out: Out = STANDARD_OUTPUT, form: Format = None, url: Address = HERE
) -> None:
    """Write what became of each photo: a row for each face, or photo without one.

    Photo, state, the face's box in pixels of the upright original, its score, the name of its crop
    in crops.zip, or the code of what failed. A file is there when it is whole, in the place of an
    earlier one.

    Exit code 0 when it is written; 1 when the batch is unknown, or it could not be read or written
    to its end; 2 for a wrong usage.

    Try: streamapp results BATCH --out faces.parquet, or: streamapp results BATCH | head
    """
    chosen = form or _by_name(out)

    async def work(client: Client) -> None:
        await save(client.pieces(f"/api/batch/{batch}/results.{chosen}"), out)

    asked(url, work, batch)


def _by_name(out: str) -> str:
    ending = out.rpartition(".")[2].lower()
    return ending if ending in FORMS else "csv"
