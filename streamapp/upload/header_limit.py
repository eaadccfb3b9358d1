"""A limit on the time that a request's headers take.

uvicorn has none: a client that sends a byte of its headers now and then holds a connection for
ever, and any number of them all descriptors. (A body is watched by `incoming_body`; a connection
that is silent between two requests is closed by uvicorn's keep-alive limit.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


class ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, closing a connection whose headers are not there after a while.

    The time runs from the connection's start, or from the end of its previous exchange.
    """

    header_timeout_s = 30.0
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def handle_events(self) -> None:
        """Take what came, or what had come before the last answer was out."""
        super().handle_events()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_watching()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_watching()
        elif self._closing is None:
            self._closing = self.loop.call_later(self.header_timeout_s, self.transport.close)

    def _stop_watching(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None


def impatient(header_timeout_s: float) -> type[ImpatientProtocol]:
    """The protocol with another limit, for uvicorn's ``http``."""
    return type("Impatient", (ImpatientProtocol,), {"header_timeout_s": header_timeout_s})
