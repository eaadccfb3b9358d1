"""Whether a Kafka answers on a port of loopback."""

from __future__ import annotations

import socket
import struct

_ANSWER_LIMIT_S = 2.0
_METADATA, _METADATA_VERSION, _NO_CLIENT_ID, _NO_TOPICS = 3, 1, -1, 0
_REQUEST = struct.pack(">hhihi", _METADATA, _METADATA_VERSION, 0, _NO_CLIENT_ID, _NO_TOPICS)
_RESPONSE = struct.Struct(">iii")
"""Size, correlation id, number of brokers; the brokers follow."""


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
