"""Where a request came from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

IPV6_NETWORK = 64  # bits; whoever has one address of such a network has all of them


def address_of(request: HttpRequest) -> str | None:
    """Where the request came from; behind a proxy what that appended last, since the rest may be invented."""
    text = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        text = request.META.get("HTTP_X_FORWARDED_FOR", text).rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def network_of(address: str) -> str:
    """What attempts are counted by: the address, of IPv6 its network."""
    found = ipaddress.ip_address(address)
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
