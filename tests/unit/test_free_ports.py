"""Ports that are given out to servers of our own."""

from __future__ import annotations

from connectors.ports import free_ports


def test_a_port_is_given_out_once_also_when_nobody_listens_there_yet() -> None:
    ports = [port for _ in range(50) for port in free_ports(10)]
    assert len(set(ports)) == len(ports)
