"""Toxiproxy between the product and its services: a link that can be slow, cut or half open.

One server holds all links. A link is a TCP proxy on loopback; what spoils it is taken off again by
the name that was given to it, so several may lie on one link at a time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import httpx

from connectors.daemon import Daemon
from connectors.ports import free_ports
from ops.services.go_tools import go_binary

if TYPE_CHECKING:
    from collections.abc import Mapping

TOXIPROXY_VERSION = "v2.12.0"
READY_WITHIN_S = 15

Stream = Literal["upstream", "downstream"]


class Toxiproxy:
    """A running server; a context manager."""

    def __init__(self, data: Path, binary: Path) -> None:
        (port,) = free_ports(1)
        self._api = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        command = [str(binary), "-host", "127.0.0.1", "-port", str(port)]
        self._daemon = Daemon(command, log=data / "toxiproxy.log")

    def __enter__(self) -> Self:
        """Start, and wait until it answers.

        Raises:
            RuntimeError: it did not, with the end of its log.
        """
        self._daemon.start()
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if time.monotonic() > deadline:
                self._daemon.stop()
                raise RuntimeError(f"Toxiproxy did not start: {self._daemon.log_tail()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait for the end."""
        self._api.close()
        self._daemon.stop()

    def link(self, name: str, *, port: int, to: int) -> None:
        """Make a link from a loopback port to another."""
        listen, upstream = f"127.0.0.1:{port}", f"127.0.0.1:{to}"
        proxy = {"name": name, "listen": listen, "upstream": upstream, "enabled": True}
        self._ask("POST", "/proxies", proxy)

    def switch(self, link: str, *, on: bool) -> None:
        """Cut a link: connections end and new ones are refused; or mend it."""
        self._ask("POST", f"/proxies/{link}", {"enabled": on})

    def spoil(
        self, link: str, name: str, toxic: str, stream: Stream, attributes: Mapping[str, int]
    ) -> None:
        """Put a toxic of this name on one direction of a link."""
        content = {"name": name, "type": toxic, "stream": stream, "attributes": attributes}
        self._ask("POST", f"/proxies/{link}/toxics", content)

    def heal(self, link: str, name: str) -> None:
        """Take the toxic of this name off."""
        self._ask("DELETE", f"/proxies/{link}/toxics/{name}")

    def _ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> None:
        self._api.request(method, path, json=content).raise_for_status()

    def _answers(self) -> bool:
        try:
            return self._api.get("/version").is_success
        except httpx.TransportError:
            return False


def toxiproxy_binary() -> Path:
    """The server's binary in the user's cache folder, built on first use."""
    return go_binary("toxiproxy", f"github.com/Shopify/toxiproxy/v2/cmd/server@{TOXIPROXY_VERSION}")
