"""Which addresses a message may go to: those of the public internet.

Not those of this machine, of its networks and of what runs beside it in a cloud (169.254.169.254),
however they are written: also inside of IPv6 addresses that stand for one of IPv4.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp.connector import AddrInfoType

_NAT64 = IPv6Network("64:ff9b::/96")


class PrivateAddressError(OSError):
    """The host's address is not one of the public internet; there was no connection."""


def public_socket(info: AddrInfoType) -> socket.socket:
    """A socket for the address, which is the very one that it will be connected to.

    Raises:
        PrivateAddressError: It is not public.
    """
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise PrivateAddressError
    return socket.socket(family, kind, protocol)


def is_public(text: str) -> bool:
    """Whether the IP address belongs to the public internet."""
    address = _meant(ip_address(text))
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or (isinstance(address, IPv6Address) and address.is_site_local)
    )


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address of IPv4 that one of IPv6 stands for, else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    tunnel = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or tunnel or address
