"""A receipt that its owner makes out to a company: an invoice for people and for machines in one file."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest
from facturx import get_xml_from_pdf, xml_check_xsd  # type: ignore[import-untyped]
from flask.testing import FlaskClient
from lxml import etree  # type: ignore[import-untyped]

from kiosk.web.shared import documents
from tests.web.conftest import HOLD, Kiosk
from tests.web.session.test_paper import captured, section
from tests.web.session.test_receipt_pdf import pdf_of, words_of

COMPANY = {"name": "Muster GmbH", "address": "Weg 1\n04229 Lindenau", "vat_number": "DE 999 999 999", "country": ""}


def make_out(phone: FlaskClient, key: str, **changed: str) -> int:
    return phone.post(f"/s/{key}/company", data=COMPANY | changed).status_code


def invoice_in(pdf: bytes) -> tuple[str, dict[str, str]]:
    """The name of the embedded file, and the amounts and names in it by their last word."""
    name, xml = get_xml_from_pdf(BytesIO(pdf), check_xsd=True)
    root = etree.fromstring(xml)
    xml_check_xsd(xml, flavor="factur-x", level="en16931")
    return name, {etree.QName(each).localname: each.text or "" for each in root.iter() if isinstance(each.tag, str)}


def test_the_owner_makes_it_an_invoice_with_a_machine_readable_one_inside(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    assert "Add company details" in phone.get(f"/s/{key}").text
    assert make_out(phone, key) == 303
    assert "For Muster GmbH, Weg 1, 04229 Lindenau, VAT no. DE999999999." in section(
        phone.get(f"/s/{key}").text, "bill"
    )
    pdf = pdf_of(phone, key)
    assert "Invoice No. 2026-000001" in words_of(pdf)
    assert "Muster GmbH Weg 1 04229 Lindenau" in words_of(pdf)
    assert pypdfium2.PdfDocument(pdf).is_tagged()
    assert b"<fx:ConformanceLevel>EN 16931" in pdf
    name, said = invoice_in(pdf)
    assert name == "factur-x.xml"
    assert (said["TaxBasisTotalAmount"], said["TaxTotalAmount"], said["GrandTotalAmount"]) == ("7.96", "1.51", "9.47")
    assert (said["LineTotalAmount"], said["DuePayableAmount"]) == ("7.96", "0.00")


def test_the_same_invoice_gives_the_same_bytes(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    make_out(phone, key)
    first = pdf_of(phone, key)
    documents._made.clear()
    assert pdf_of(phone, key) == first


def test_a_bill_that_was_cut_at_the_hold_is_an_invoice_with_an_allowance(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone, energy_kwh=Decimal("75.004"), captured_minor=HOLD, tax_minor=479)
    make_out(phone, key)
    _name, said = invoice_in(pdf_of(phone, key))
    assert said["GrandTotalAmount"] == "30.00"
    assert said["AllowanceTotalAmount"] == "5.97"
    assert Decimal(said["LineTotalAmount"]) - Decimal("5.97") == Decimal(said["TaxBasisTotalAmount"])


@pytest.mark.parametrize("known", [{"tax_minor": None}, {"tax_minor": 164}, {"captured_minor": 1000}])
def test_what_nobody_can_explain_gets_no_invoice_for_machines(
    kiosk: Kiosk, phone: FlaskClient, known: dict[str, Any]
) -> None:
    key = captured(kiosk, phone, **known)
    make_out(phone, key)
    pdf = pdf_of(phone, key)
    assert "Muster GmbH" in words_of(pdf)
    assert b"factur-x.xml" not in pdf


def test_only_its_owner_may_do_so_and_only_once_something_was_taken(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    stranger = kiosk.phone()
    assert make_out(stranger, key) == 403
    assert "Add company details" not in stranger.get(f"/s/{key}").text
    free = kiosk.held(phone)
    kiosk.ended(free, "abandoned")
    make_out(phone, free)
    stored = kiosk.store.receipt(free)
    assert stored is not None
    assert "buyer" not in stored.document
    assert make_out(phone, "nobody-has-this") == 404


@pytest.mark.parametrize("wrong", [{"name": ""}, {"address": "a\nb\nc\nd"}, {"vat_number": "12"}, {"country": "x"}])
def test_what_cannot_stand_on_an_invoice_is_told(kiosk: Kiosk, phone: FlaskClient, wrong: dict[str, str]) -> None:
    key = captured(kiosk, phone)
    answer = phone.post(f"/s/{key}/company", data=COMPANY | wrong)
    assert answer.status_code == 422
    assert "Please give a name and an address" in answer.text


def test_a_refund_that_is_seen_later_keeps_the_company(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    make_out(phone, key)
    kiosk.ended(key, "refunded", energy_kwh=Decimal("18.617"), captured_minor=520)
    stored = kiosk.store.receipt(key)
    assert stored is not None
    assert stored.document["buyer"]["name"] == "Muster GmbH"
    assert "sent_back" in stored.document


def test_nobody_fills_the_book_by_changing_it_for_ever(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    for count in range(60):
        kiosk.store.add_buyer(key, {"name": str(count)}, kiosk.now)
    assert len(kiosk.store.receipt_revisions("2026-000001")) == 50
    assert not kiosk.store.add_buyer(key, {"name": "more"}, kiosk.now)
