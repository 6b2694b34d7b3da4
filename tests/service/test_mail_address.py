"""E-mail addresses as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.service.mail_address import LONGEST, sendable


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("anna@mail.example", "anna@mail.example"),
        (" Anna.O'Hara+ev@mail.example ", "Anna.O'Hara+ev@mail.example"),
        ("anna@müller.example", "anna@xn--mller-kva.example"),
        ("anna@mu\N{COMBINING DIAERESIS}ller.example", "anna@xn--mller-kva.example"),
        ("anna@MÜLLER.example", "anna@xn--mller-kva.example"),
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("anna@xn--mller-kva.example", "anna@xn--mller-kva.example"),
        ("mailto:anna@mail.example", "anna@mail.example"),
        ("anna@mail.example.", "anna@mail.example"),
    ],
)
def test_an_address_is_taken_as_it_is_meant(typed: str, sent: str) -> None:
    assert sendable(typed) == sent


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "anna",
        "@müller.example",
        "anna@ü..example",
        "anna@-ü.example",
        "a@b@ü.example",
        "anna@ü.example\r\nBcc: x@y.example",
        f"anna@{'mail.' * (LONGEST // 2)}example",
    ],
)
def test_what_is_no_address_is_none(typed: str) -> None:
    assert sendable(typed) is None


@given(st.text(max_size=2 * LONGEST + 10))
def test_whatever_is_typed_what_comes_out_has_one_place_that_mail_servers_know(typed: str) -> None:
    address = sendable(typed)
    if address is not None:
        _, _, place = address.partition("@")
        assert place.isascii()
        assert "@" not in place
        assert len(address) <= LONGEST
        assert sendable(address) == address
