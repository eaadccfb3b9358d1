"""Free ports on loopback, and whether a Kafka answers on one."""

from __future__ import annotations

import socket
import struct
from itertools import islice
from random import SystemRandom

_PORTS = range(20_000, 32_000)
"""Below the ephemeral ports: no outgoing connection takes one between our look and the bind."""

_TRIES = 500
_ANSWER_LIMIT_S = 2.0
_METADATA, _METADATA_VERSION, _NO_CLIENT_ID, _NO_TOPICS = 3, 1, -1, 0
_REQUEST = struct.pack(">hhihi", _METADATA, _METADATA_VERSION, 0, _NO_CLIENT_ID, _NO_TOPICS)
_RESPONSE = struct.Struct(">iii")
"""Size, correlation id, number of brokers; the brokers follow."""


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


def kafka_answers(port: int) -> bool:
    """Whether a Kafka on 127.0.0.1 answers a metadata request with a broker that serves.

    An open port is not enough: a broker listens before the controller has let it in.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_LIMIT_S) as connection:
            connection.sendall(struct.pack(">i", len(_REQUEST)) + _REQUEST)
            answer = connection.recv(_RESPONSE.size, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(answer) == _RESPONSE.size and _RESPONSE.unpack(answer)[2] > 0
