"""The receipt as a document: what the page says, on one sheet, tagged, and the same bytes each time."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest
from flask.testing import FlaskClient

from kiosk.config.languages import LANGUAGES
from kiosk.web.shared import documents
from tests.web.conftest import HOLD, Kiosk
from tests.web.session.test_money import text
from tests.web.session.test_paper import captured


def pdf_of(phone: FlaskClient, key: str, language: str = "en") -> bytes:
    answer = phone.get(f"/r/{key}.pdf?lang={language}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    return answer.get_data()


def words_of(pdf: bytes) -> str:
    """What a person reads of all pages, in one line."""
    document = pypdfium2.PdfDocument(pdf)
    text = " ".join(page.get_textpage().get_text_range() for page in document)
    return re.sub(r"\s+", " ", text.replace("\N{NO-BREAK SPACE}", " "))


def test_it_says_what_the_page_says(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    kiosk.proven(key, received=947)
    kiosk.receipt(key)
    words = words_of(pdf_of(phone, key))
    for part in (
        "Receipt No. 2026-000001 Issued 20 November 2026",
        "Stadtwerke Lindenau GmbH Uferstraße 4, 04229 Lindenau VAT no. DE 123 456 789",
        "Marktplatz garage, level -1",
        "DE*LND*E000204",
        "Energy 18.617 kWh €0.49 €9.12",
        "Session 1 €0.35 €0.35",
        "Total €9.47 Net €7.96 19% VAT €1.51",
        "Held on Visa ending 4242",
        "€30.00",
        "Given back",
        "€20.53",
        "It is not signed.",
        "0800 555 0142",
        f"lindenau.example/r/{key}",
    ):
        assert part in words, (part, words)


def test_the_same_receipt_gives_the_same_bytes_later_too(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone)
    first = pdf_of(phone, key)
    kiosk.clock.advance(40 * 86_400)
    documents._made.clear()
    assert pdf_of(kiosk.phone(), key) == first


def test_it_is_tagged_has_a_title_and_a_language_and_is_made_to_be_kept(kiosk: Kiosk, phone: FlaskClient) -> None:
    pdf = pdf_of(phone, captured(kiosk, phone), "de")
    assert pypdfium2.PdfDocument(pdf).is_tagged()
    for mark in (b"/StructTreeRoot", b"/MarkInfo", b"/Lang", b"pdfuaid", b"pdfaid"):
        assert mark in pdf, mark
    assert "Beleg 2026-000001" in pypdfium2.PdfDocument(pdf).get_metadata_dict()["Title"]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_longest_receipt_fits_one_sheet_in_every_language(kiosk: Kiosk, phone: FlaskClient, language: str) -> None:
    key = captured(kiosk, phone, energy_kwh=Decimal("75.00412"), captured_minor=HOLD, tax_minor=479)
    for captured_minor in (2500, 2000):
        kiosk.clock.advance(86_400)
        kiosk.ended(key, "refunded", energy_kwh=Decimal("75.00412"), captured_minor=captured_minor)
    assert len(pypdfium2.PdfDocument(pdf_of(phone, key, language))) == 1


@pytest.mark.parametrize("status", ["no_charge", "expired", "failed", "abandoned", "written_off"])
def test_an_end_that_cost_nothing_has_a_document_too(kiosk: Kiosk, phone: FlaskClient, status: str) -> None:
    key = kiosk.held(phone)
    kiosk.ended(key, status)
    words = words_of(pdf_of(phone, key))
    assert "Proof No. 2026-000001" in words
    assert "VAT €" not in words


def test_what_people_write_is_text_and_never_markup(kiosk: Kiosk, phone: FlaskClient) -> None:
    said: dict[str, Any] = {"charger_name": '#panic("x") $ [*] "quoted" \\'}
    kiosk.book = kiosk.book.model_copy(update={"sites": ()})
    key = captured(kiosk, phone, **said)
    assert pdf_of(phone, key).startswith(b"%PDF-")


def test_before_it_is_written_there_is_no_document(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    assert phone.get(f"/r/{key}.pdf").status_code == 404
    kiosk.observe(key, "captured", energy_kwh=Decimal("18.617"), captured_minor=947, captured_at=kiosk.now)
    assert phone.get(f"/r/{key}.pdf").status_code == 404
    assert phone.get("/r/nobody-has-this.pdf").status_code == 404


def test_where_the_whole_hold_was_taken_no_bank_has_anything_to_show(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = captured(kiosk, phone, energy_kwh=Decimal("62.084"), cost_minor=3077, captured_minor=HOLD, tax_minor=479)
    kiosk.prove(key, "succeeded", capturable=0, received=HOLD)
    kiosk.receipt(key)
    said = text(phone.get(f"/s/{key}"))
    assert "Given back €0.00" in said
    assert "up to 7 days" not in said
    assert "up to 7 days" not in words_of(phone.get(f"/r/{key}.pdf").get_data())
