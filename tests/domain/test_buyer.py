"""The company on an invoice: what people type, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.buyer import LONGEST_ADDRESS, LONGEST_NAME, MOST_LINES, Buyer, buyer_from, country_of


def test_what_a_person_types_is_tidied() -> None:
    made = buyer_from("  Muster   GmbH ", "Weg 1\r\n\r\n 04229  Lindenau\n", "de 123 456-789", " ")
    assert made == Buyer("Muster GmbH", ("Weg 1", "04229 Lindenau"), "DE123456789", "DE")


def test_the_country_that_was_given_goes_before_that_of_the_number() -> None:
    made = buyer_from("Muster", "Weg 1", "ATU12345678", "ch")
    assert made is not None
    assert made.country == "CH"


@pytest.mark.parametrize(
    ("name", "address", "number", "country"),
    [
        ("", "Weg 1", "", ""),
        (" \x00 ", "Weg 1", "", ""),
        ("Muster", "", "", ""),
        ("Muster", "\n \n", "", ""),
        ("M" * (LONGEST_NAME + 1), "Weg 1", "", ""),
        ("Muster", "W" * (LONGEST_ADDRESS + 1), "", ""),
        ("Muster", "\n".join("abcd"), "", ""),
        ("Muster", "Weg 1", "123456789", ""),
        ("Muster", "Weg 1", "DE123<456", ""),
        ("Muster", "Weg 1", "", "Germany"),
        ("Muster", "Weg 1", "", "D1"),
    ],
)
def test_what_cannot_stand_on_an_invoice_is_nothing(name: str, address: str, number: str, country: str) -> None:
    assert buyer_from(name, address, number, country) is None


@given(st.text(), st.text(), st.text(max_size=20), st.text(max_size=3))
def test_no_sign_that_cannot_be_seen_gets_through(name: str, address: str, number: str, country: str) -> None:
    made = buyer_from(name, address, number, country)
    if made is not None:
        assert made.name.isprintable()
        assert 1 <= len(made.address) <= MOST_LINES
        assert all(line and line.isprintable() for line in made.address)
        assert made.country is None or len(made.country) == 2


@pytest.mark.parametrize(
    ("number", "country"),
    [("DE 123", "DE"), ("EL123", "GR"), ("XI123", "GB"), ("CHE-1", "CH"), (None, None), ("123", None), ("", None)],
)
def test_a_vat_number_names_its_country(number: str | None, country: str | None) -> None:
    assert country_of(number) == country
