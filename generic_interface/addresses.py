"""Which addresses of the network are connected to, whatever name stood for them. Knows the standard library alone.

A name is looked up once, every address it has is judged, and the connection goes to one of these: a name that means
another machine the next time it is asked for gains nothing.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from generic_interface.errors import WrongRequest

IPAddress = IPv4Address | IPv6Address

THIS_MACHINE = "localhost"
METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))
)
"""Where clouds hand out the keys of a machine to whoever asks from it."""

_NAT64 = IPv6Network("64:ff9b::/96")


class ForbiddenAddress(WrongRequest):
    """The host is, or means, an address that nothing is sent to; nothing was."""


def is_this_machine(host: str) -> bool:
    """Whether the host names this machine literally: ``localhost`` or an address of the loopback, no other name."""
    address = literal(host)
    return host == THIS_MACHINE if address is None else _inner(address).is_loopback


def literal(host: str) -> IPAddress | None:
    """The address that the host is written as; ``None`` for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def look_up(host: str, port: int, *, may_be_here: bool) -> list[str]:
    """All addresses of the host, as the resolver orders them, each of them fit to connect to.

    ``may_be_here`` lets the loopback pass. Raises ``ForbiddenAddress`` where one of them is not fit, and ``OSError``
    (``socket.gaierror``) where the name has none.
    """
    if literal(host) is None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_family, sockaddr in found))
    else:
        addresses = [host]
    for address in addresses:
        judge(host, ip_address(address), may_be_here=may_be_here)
    return addresses


def judge(host: str, address: IPAddress, *, may_be_here: bool) -> None:
    """Raises ``ForbiddenAddress`` with the sentence that says what the address is."""
    kind = _kind(_inner(address))
    if kind and not (may_be_here and kind == _LOOPBACK):
        which = f"{host} is" if literal(host) else f"The host {host} means {address}, which is"
        raise ForbiddenAddress(f"{which} {kind}. Nothing is sent there, and nothing was.")


_LOOPBACK = "an address of this machine itself"


def _kind(address: IPAddress) -> str:
    """What speaks against an address; empty for machines of this network and of others."""
    if address in METADATA:
        return "the address where a cloud tells the secrets of a machine"
    if address.is_loopback:
        return _LOOPBACK
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_unspecified or (isinstance(address, IPv4Address) and address.packed[0] == 0):
        return "no address of a machine"
    return "a reserved address" if address.is_reserved else ""


def _inner(address: IPAddress) -> IPAddress:
    """The IPv4 address that one of IPv6 carries: mapped, or of a gateway (6to4, Teredo, NAT64)."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
