"""The name of a network: one for whoever may have many addresses, and never none."""

from __future__ import annotations

from ipaddress import IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from kiosk.web.shared.network import UNREADABLE, network_of


@given(st.ip_addresses(v=6), st.integers(0, 2**72 - 1))
def test_every_address_of_a_household_is_one_network(address: IPv6Address, host: int) -> None:
    base = int(address) >> 72 << 72
    if IPv6Address(base | host).ipv4_mapped is None and address.ipv4_mapped is None:
        assert network_of(str(address)) == network_of(str(IPv6Address(base | host)))


@given(st.text())
def test_whatever_is_written_there_it_is_a_network_or_unreadable(text: str) -> None:
    named = network_of(text)
    assert named
    assert named == UNREADABLE or named[0] in "0123456789abcdef:"


def test_nothing_is_one_network_too() -> None:
    assert network_of(None) == network_of("") == network_of("unix:") == UNREADABLE
