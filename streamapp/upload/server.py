"""uvicorn's server, which lets those go who wait for news before it ends.

Otherwise an end that is asked for would be held up by every client that follows a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from starlette.applications import Starlette


class Server(uvicorn.Server):
    """Serves ``app`` and calls ``let_go`` when it is to end; ``options`` as of `uvicorn.Config`."""

    def __init__(self, app: Starlette, *, let_go: Callable[[], None], **options: object) -> None:
        super().__init__(uvicorn.Config(app, **options))  # type: ignore[arg-type]  # as uvicorn's
        self._let_go = let_go

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, with those who upload served to their end."""
        self._let_go()
        await super().shutdown(sockets)
