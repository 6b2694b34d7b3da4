"""What stands on a receipt: lines that add up, the tax as told, refunds, the place; before it is one, nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from kiosk.config.sites import SiteBook
from kiosk.domain.session import HoldProof
from tests.web.conftest import BOOK, HOLD, Kiosk
from tests.web.session.test_money import text

X = "\N{MULTIPLICATION SIGN}"


def captured(kiosk: Kiosk, phone: FlaskClient, **known: Any) -> str:
    """A charge that was paid; its receipt as the engine writes it."""
    key = kiosk.charging(phone)
    kiosk.observe(key, "settling", authorized_minor=HOLD)
    facts = {"energy_kwh": Decimal("18.617"), "captured_minor": 947, "tax_minor": 151, "captured_at": kiosk.now}
    kiosk.ended(key, "captured", **(facts | known))
    return key


def section(page: str, name: str) -> str:
    """The words of the section with that heading's id."""
    found = re.search(rf'<section aria-labelledby="{name}">(.*?)</section>', page, re.S)
    assert found is not None, page
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[1])).strip()


def bill(phone: FlaskClient, key: str) -> str:
    return section(phone.get(f"/s/{key}").text, "bill")


def test_a_line_has_as_many_decimals_as_its_amount_needs(kiosk: Kiosk, phone: FlaskClient) -> None:
    words = bill(phone, captured(kiosk, phone))
    assert f"Energy 18.617 kWh {X} €0.49 €9.12 Session 1 {X} €0.35 €0.35 Total €9.47" in words


@pytest.mark.parametrize(
    ("told", "printed"), [("18.62", "18.62"), ("20.000", "20.000"), ("7.5", "7.50"), ("7.93612", "7.93612")]
)
def test_the_energy_is_printed_as_it_was_told(kiosk: Kiosk, phone: FlaskClient, told: str, printed: str) -> None:
    assert f"Energy {printed} kWh" in bill(phone, captured(kiosk, phone, energy_kwh=Decimal(told)))


def test_a_bill_that_was_cut_at_the_hold_shows_all_of_it(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone, energy_kwh=Decimal("75.004"), captured_minor=HOLD, tax_minor=479)
    assert (
        f"Energy 75.004 kWh {X} €0.49 €36.75 Session 1 {X} €0.35 €0.35 By price and energy €37.10 "
        "Above your hold You do not pay this. \N{MINUS SIGN}€7.10 Total €30.00 Net €25.21 19% VAT €4.79"
    ) in bill(phone, key)


def test_another_way_of_rounding_is_a_line(kiosk: Kiosk, phone: FlaskClient) -> None:
    words = bill(phone, captured(kiosk, phone, captured_minor=948))
    assert "By price and energy €9.47 Rounding €0.01 Total €9.48" in words


def test_an_amount_that_nothing_explains_is_named(kiosk: Kiosk, phone: FlaskClient) -> None:
    words = bill(phone, captured(kiosk, phone, captured_minor=1000))
    assert "By price and energy €9.47 Difference Price and energy do not explain this." in words
    assert "€0.53 Total €10.00" in words


@pytest.mark.parametrize(
    ("tax", "said"),
    [
        (151, "Total €9.47 Net €7.96 19% VAT €1.51"),
        (164, "Total €9.47 Net €7.83 VAT €1.64"),
        (0, "Total €9.47 Net €9.47 VAT €0.00"),
        (None, "Total €9.47 The price includes 19% VAT. How much VAT is in this amount was not told to us."),
        (948, "Total €9.47 The price includes 19% VAT. How much VAT is in this amount was not told to us."),
    ],
)
def test_the_tax_is_said_as_it_was_told_and_the_rate_only_when_it_fits(
    kiosk: Kiosk, phone: FlaskClient, tax: int | None, said: str
) -> None:
    assert said in bill(phone, captured(kiosk, phone, tax_minor=tax))


def test_a_site_in_another_country_has_its_own_rate_and_number(kiosk: Kiosk, phone: FlaskClient) -> None:
    book = SiteBook.model_validate(BOOK)
    own = {"vat_percent": Decimal(21), "vat_number": "NL123456789B01", "address": "Kade 1, 1011 AA Amsterdam"}
    kiosk.book = book.model_copy(update={"sites": (book.sites[0].model_copy(update=own),)})
    page = phone.get(f"/s/{captured(kiosk, phone, tax_minor=164)}").text
    assert "Net €7.83 21% VAT €1.64" in section(page, "bill")
    assert "VAT no. NL123456789B01." in section(page, "bill")
    assert "Kade 1, 1011 AA Amsterdam." in section(page, "meter")


def test_before_its_number_is_written_it_is_no_receipt_and_does_not_look_like_one(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.charging(phone)
    told: dict[str, Any] = {"captured_minor": 947, "tax_minor": 151, "captured_at": kiosk.now}
    kiosk.observe(key, "captured", energy_kwh=Decimal("18.617"), **told)
    page = phone.get(f"/s/{key}").text
    before = phone.get(f"/s/{key}.json").get_json()["shape"]
    assert "This is no receipt yet." in section(page, "bill")
    assert section(page, "bill").startswith("What you bought ")
    assert "VAT" not in section(page, "bill")
    assert "data-print" not in page
    assert "data-copy" not in page
    assert "data-final" not in page, "the page must go on to ask"
    kiosk.receipt(key)
    assert phone.get(f"/s/{key}.json").get_json()["shape"] != before, "nothing tells the page that it is written"
    page = phone.get(f"/s/{key}").text
    assert section(page, "bill").startswith("Receipt No. 2026-000001 ")
    assert "data-final" in page
    assert "data-print" in page


def test_a_receipt_says_where_by_what_and_from_whom(kiosk: Kiosk, phone: FlaskClient) -> None:
    page = phone.get(f"/s/{captured(kiosk, phone)}").text
    place = section(page, "meter")
    assert "Marktplatz garage, level -1, Charger 2, bay 4." in place
    assert "Charging point DE*LND*E000204 Code of the charger 7MK4T" in place
    assert "It is not signed." in place
    assert "Sold by Stadtwerke Lindenau GmbH, Uferstraße 4, 04229 Lindenau. VAT no. DE 123 456 789." in section(
        page, "bill"
    )


@pytest.mark.parametrize("status", ["expired", "failed", "abandoned", "no_charge", "written_off"])
def test_an_end_that_cost_nothing_has_a_number_and_can_be_kept(kiosk: Kiosk, phone: FlaskClient, status: str) -> None:
    key = kiosk.held(phone)
    kiosk.ended(key, status)
    page = phone.get(f"/s/{key}").text
    assert "Proof No. 2026-000001" in section(page, "bill")
    assert "Stadtwerke Lindenau GmbH" in section(page, "bill")
    assert "data-print" in page
    assert f"/r/{key}" in page
    assert "VAT €" not in page


def test_a_part_that_was_sent_back_has_its_own_line_time_and_number(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    kiosk.clock.advance(86_400)
    kiosk.ended(key, "refunded", energy_kwh=Decimal("18.617"), captured_minor=520, tax_minor=83)
    page = phone.get(f"/s/{key}").text
    assert "€4.27 sent back" in page
    assert "€4.27 of €9.47 was sent back. You paid €5.20 in the end." in text(phone.get(f"/s/{key}"))
    refund = section(page, "refund")
    assert refund.startswith("Refund No. 2026-000001-R1 Receipt No. 2026-000001 €9.47 Sent back No. 2026-000001-R1, ")
    assert refund.endswith("\N{MINUS SIGN}€4.27 You paid €5.20 Net €4.37 19% VAT €0.83")
    assert "Total €9.47 Net €7.96 19% VAT €1.51" in section(page, "bill"), "the receipt stays that of its day"


def test_when_all_was_sent_back_nothing_is_paid_in_the_end(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    kiosk.ended(key, "refunded", energy_kwh=Decimal("18.617"), captured_minor=0, tax_minor=0)
    page = phone.get(f"/s/{key}").text
    assert "€9.47 sent back" in page
    assert "You paid nothing in the end." in page
    assert section(page, "refund").endswith("You paid €0.00 Net €0.00 19% VAT €0.00")


def test_a_refund_that_only_the_payments_record_tells_says_so_in_the_heading(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    kiosk.store.set_proof(
        key, HoldProof(kiosk.now, "succeeded", 0, 947, card_brand="visa", card_last4="4242", refunded_minor=427)
    )
    kiosk.receipt(key)
    page = phone.get(f"/s/{key}").text
    assert re.search(r"<h1[^>]*>.*?€4\.27 sent back</h1>", page, re.S)
    assert "You paid €5.20" in section(page, "refund")


def test_a_bill_that_was_closed_is_not_called_a_meters_doing(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone, energy="11.00", cost=574)
    kiosk.ended(key, "written_off", energy_kwh=Decimal("11.040"), captured_minor=0)
    page = text(phone.get(f"/s/{key}"))
    assert "made it" not in page
    assert "The last live figure was 11.000 kWh. The last meter reading is 11.040 kWh." in page
