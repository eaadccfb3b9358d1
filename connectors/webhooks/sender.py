"""Posts messages over HTTP, signed after Standard Webhooks.

The addresses come from those who upload, so nothing is trusted of them or of what answers there.
Which address is connected to is judged at the connection itself, so a name that means another
address a moment later gains nothing. Redirects are not followed, the environment's proxies are not
asked, no cookie is kept, and of an answer only the head is read, which is bounded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import aiohttp
from standardwebhooks import Webhook
from yarl import URL

from connectors.webhooks.addresses import PrivateAddressError, public_socket
from connectors.webhooks.interface import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

TIMEOUT_S = 15.0

_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the host's name is not known"),
    (aiohttp.ClientSSLError, "no trusted TLS connection"),
    (aiohttp.ClientConnectorError, "no connection"),
    (TimeoutError, "no answer in time"),
    (Exception, "no valid answer"),
)
"""What is told of a fault: words of ours, since any client may read them."""


class HttpSender:
    """A `WebhookSender`."""

    def __init__(
        self,
        secrets: Sequence[str],
        *,
        hosts_allowed: Collection[str] = (),
        clock: Callable[[], float],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Nothing connects yet.

        Args:
            secrets: ``whsec_…``; a message is signed with each, so that they can be changed.
            hosts_allowed: Names of hosts, in lower case, that may be private.
            clock: Unix seconds.
            timeout_s: For all of a message.
        """
        self._signers = [Webhook(secret) for secret in secrets]
        self._hosts_allowed = frozenset(hosts_allowed)
        self._clock = clock
        self._timeout_s = timeout_s
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def send(self, *, url: str, webhook_id: str, payload: str) -> Answer:
        """Post the message, see `WebhookSender.send`."""
        headers = {"Content-Type": "application/json", **self._signed(webhook_id, payload)}
        try:
            session = self._session(url)
            async with session.post(
                url, data=payload.encode(), headers=headers, allow_redirects=False
            ) as answer:
                answer.close()  # what else comes is not read
                return Answer(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Answer(None, _told(error))

    async def close(self) -> None:
        """Let go of what is open."""
        for session in self._sessions.values():
            await session.close()

    def _signed(self, webhook_id: str, payload: str) -> dict[str, str]:
        at = datetime.fromtimestamp(int(self._clock()), UTC)
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(
                signer.sign(webhook_id, at, payload) for signer in self._signers
            ),
        }

    def _session(self, url: str) -> aiohttp.ClientSession:
        host = URL(url).host or ""
        may_be_private = host.lower() in self._hosts_allowed
        if may_be_private not in self._sessions:
            self._sessions[may_be_private] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    socket_factory=None if may_be_private else public_socket,
                    force_close=True,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"streamapp/{version('streamapp')}"},
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                trust_env=False,
                auto_decompress=False,
            )
        return self._sessions[may_be_private]


def _told(error: Exception) -> str:
    if isinstance(getattr(error, "os_error", None), PrivateAddressError):
        return "the host's address is not public"
    return next(words for kind, words in _FAULTS if isinstance(error, kind))
