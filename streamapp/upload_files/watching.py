"""Watching a batch until it has ended, whatever happens to the uploader meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamapp.errors import StreamappError
from streamapp.progress import ENDED
from streamapp.upload_files.patience import Patience
from streamapp.upload_files.sending import passes

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamapp.client import Client
    from streamapp.meter import Bar
    from streamapp.progress import Status

POLL_S = 0.5


async def end_of(
    client: Client,
    batch: str,
    bar: Bar,
    *,
    patience_s: float,
    tell: Callable[[Status], None] = lambda _: None,
) -> Status:
    """The batch's status once it has ended; ``bar`` shows, and ``tell`` hears of each change.

    Raises:
        StreamappError: as the uploader answered; what passes only when it did not for
            ``patience_s`` seconds.
    """
    patience = Patience(patience_s)
    last: Status | None = None
    while True:
        try:
            status = await client.status(batch)
        except StreamappError as error:
            if not passes(error):
                raise
            patience.check(error)
            bar.note(f"trying again after {error.code.code}")
            await patience.pause()
            continue
        patience.renew()
        bar.note("")
        bar.show(status.progress.processed, status.progress.total)
        if status != last:
            tell(status)
            last = status
        if status.status in ENDED:
            return status
        await asyncio.sleep(POLL_S)
