"""Free ports on loopback, for servers of our own."""

from __future__ import annotations

import socket
from collections import deque
from itertools import islice
from random import SystemRandom

_PORTS = range(20_000, 32_000)
"""Below the ephemeral ports: no outgoing connection takes one between our look and the bind."""

_TRIES = 500

_given: deque[int] = deque(maxlen=1_000)
"""What was given out last: who asked may not listen there yet."""


def free_ports(count: int) -> list[int]:
    """``count`` different ports that nothing on 127.0.0.1 uses and that nobody here was given."""
    candidates = SystemRandom().sample(_PORTS, k=_TRIES)
    free = (port for port in candidates if port not in _given and is_free(port))
    ports = list(islice(free, count))
    _given.extend(ports)
    return ports


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
