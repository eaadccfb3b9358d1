from __future__ import annotations

import socket
import struct
from threading import Thread

import pytest

from connectors.kafka.probe import kafka_answers
from connectors.ports import free_ports, is_free


@pytest.mark.parametrize(
    ("answer", "serves"),
    [
        (struct.pack(">iii", 8, 0, 1), True),
        (struct.pack(">iii", 8, 0, 0), False),
        (b"HTTP/1.1", False),
        (b"", False),
    ],
    ids=["one broker", "no broker yet", "not Kafka", "hangs up"],
)
def test_a_kafka_answers_when_it_names_a_broker(*, answer: bytes, serves: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=answer_once, args=(server, answer)).start()
        assert kafka_answers(server.getsockname()[1]) is serves


def answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(answer)


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(map(is_free, ports))
