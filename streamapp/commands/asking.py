"""What the commands share that ask the uploader of one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from streamapp.errors import Code, StreamappError
from streamapp.signals import raise_on_signals, run_until_stopped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamapp.client import Client

T = TypeVar("T")

Batch = Annotated[str, typer.Argument(metavar="BATCH", help="The batch's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def asked(url: str, work: Callable[[Client], Awaitable[T]], batch: str | None = None) -> T:
    """What ``work`` finds with a client of the uploader at ``url``; a signal ends it in order.

    Raises:
        StreamappError: as the uploader answered; ``BATCH_UNKNOWN`` for what is no batch's id.
    """
    raise_on_signals()
    # Imported here: whoever asks for help need not wait for the HTTP client.
    from streamapp.client import Client  # noqa: PLC0415
    from streamapp.upload.batch_ids import is_batch_id  # noqa: PLC0415
    from streamapp.upload_files.patience import ADVICE  # noqa: PLC0415

    if batch is not None and not is_batch_id(batch):
        raise StreamappError(Code.BATCH_UNKNOWN, f"{batch!r} is none: an id has 32 of 0-9 and a-f")

    async def run() -> T:
        async with Client(url) as client:
            return await work(client)

    try:
        return run_until_stopped(run())
    except StreamappError as error:
        if error.code is Code.UPLOADER_AWAY and ADVICE not in error.detail:
            raise StreamappError(error.code, f"{error.detail}. {ADVICE}") from error
        raise
