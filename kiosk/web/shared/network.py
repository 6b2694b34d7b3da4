"""Where a request comes from, as far as limits may know it: the name of a network, in one place."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from flask import request

UNREADABLE = "unreadable"
"""What is no address is one network, so that nobody has a new one with every request."""
_IPV6_PREFIX = 56
"""What a household gets from its provider."""


def network_of(address: str | None) -> str:
    """The IPv4 address, or the /56 of an IPv6 address, as text."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return UNREADABLE
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    rest = 128 - _IPV6_PREFIX
    return f"{IPv6Address(int(found) >> rest << rest)}/{_IPV6_PREFIX}"


def this_network() -> str:
    """The network of the request that is being answered."""
    return network_of(request.remote_addr)
