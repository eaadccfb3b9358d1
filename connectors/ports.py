"""Free ports on loopback, for servers of our own."""

from __future__ import annotations

import socket
from itertools import islice
from random import SystemRandom

_PORTS = range(20_000, 32_000)
"""Below the ephemeral ports: no outgoing connection takes one between our look and the bind."""

_TRIES = 500


def free_ports(count: int) -> list[int]:
    """``count`` different ports that nothing on 127.0.0.1 uses now."""
    candidates = SystemRandom().sample(_PORTS, k=_TRIES)
    return list(islice(filter(is_free, candidates), count))


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at ``port`` now."""
    with socket.socket() as probe:
        # As servers do: connections that linger after a restart are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
