"""A refund as a document of its own: heading, number, what it refers to, times, and amounts that add up."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise

import pypdfium2  # type: ignore[import-untyped]
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config.languages import LANGUAGES
from kiosk.domain.money import Money
from kiosk.domain.session import HoldProof
from kiosk.domain.vat import Vat, part_of, vat_in, vat_of
from kiosk.web.shared import documents
from tests.web.conftest import Kiosk
from tests.web.session.test_money import text
from tests.web.session.test_paper import captured, section
from tests.web.session.test_receipt_pdf import words_of

MINUS = "\N{MINUS SIGN}"


def refunded(kiosk: Kiosk, phone: FlaskClient, *left: tuple[int, int]) -> str:
    """A charge of 9.47 of which money was sent back, a day apart: what was left each time, and the tax in it."""
    key = captured(kiosk, phone)
    for captured_minor, tax_minor in left:
        kiosk.clock.advance(86_400)
        kiosk.ended(key, "refunded", energy_kwh=Decimal("18.617"), captured_minor=captured_minor, tax_minor=tax_minor)
    kiosk.receipt(key)
    return key


def pdf_of(phone: FlaskClient, key: str, count: int, language: str = "en") -> bytes:
    answer = phone.get(f"/r/{key}/refund/{count}.pdf?lang={language}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    return answer.get_data()


def test_a_part_names_its_receipt_its_time_and_what_is_left(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = refunded(kiosk, phone, (520, 83))
    page = phone.get(f"/r/{key}/refund/1")
    assert "€4.27 sent back" in text(page)
    said = section(page.text, "refund")
    assert said.startswith(
        "Refund No. 2026-000001-R1 We sent back €4.27: a part of receipt no. 2026-000001. "
        "Taken Receipt no. 2026-000001 €9.47 Sent back 21 November 2026, "
    )
    assert f"{MINUS}€4.27 Net {MINUS}€3.59 19% VAT {MINUS}€0.68 What you paid in the end €5.20" in said
    assert "Receipt no. 2026-000001, 20 November 2026. Stadtwerke Lindenau GmbH" in text(page)


def test_all_of_it_says_so(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = refunded(kiosk, phone, (0, 0))
    said = section(phone.get(f"/r/{key}/refund/1").text, "refund")
    assert "We sent back €9.47: all that was left of receipt no. 2026-000001." in said
    assert f"{MINUS}€9.47 Net {MINUS}€7.96 19% VAT {MINUS}€1.51 What you paid in the end €0.00" in said


def test_the_second_one_counts_what_went_before(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = refunded(kiosk, phone, (520, 83), (100, 16))
    first, second = (section(phone.get(f"/r/{key}/refund/{count}").text, "refund") for count in (1, 2))
    assert "Sent back before" not in first
    assert f"Sent back before {MINUS}€4.27 Sent back 22 November 2026, " in second
    assert "No. 2026-000001-R2" in second
    assert second.endswith("What you paid in the end €1.00 Ask your bank if you do not see it after 10 days.")


def test_the_receipt_leads_to_each_of_them_and_there_are_no_others(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = refunded(kiosk, phone, (520, 83), (100, 16))
    page = phone.get(f"/r/{key}").text
    assert f'href="/r/{key}/refund/1"' in page
    assert f'href="/r/{key}/refund/2"' in page
    for count in (0, 3):
        assert phone.get(f"/r/{key}/refund/{count}").status_code == 404
        assert phone.get(f"/r/{key}/refund/{count}.pdf").status_code == 404
    assert phone.get("/r/nobody-has-this/refund/1").status_code == 404


def test_before_there_is_a_receipt_there_is_none(kiosk: Kiosk, phone: FlaskClient) -> None:
    running = kiosk.charging(phone)
    assert phone.get(f"/r/{running}/refund/1").status_code == 404
    assert phone.get(f"/r/{running}/refund/1.pdf").status_code == 404


def test_without_a_refund_there_is_none(kiosk: Kiosk, phone: FlaskClient) -> None:
    paid = captured(kiosk, phone)
    assert phone.get(f"/r/{paid}/refund/1").status_code == 404


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_its_document_says_the_same_on_one_tagged_sheet(kiosk: Kiosk, phone: FlaskClient, language: str) -> None:
    key = refunded(kiosk, phone, (520, 83), (100, 16))
    pdf = pdf_of(phone, key, 2, language)
    sheet = pypdfium2.PdfDocument(pdf)
    assert len(sheet) == 1
    assert sheet.is_tagged()
    words = words_of(pdf)
    assert "2026-000001-R2" in words
    assert f"lindenau.example/r/{key}/refund/2" in words
    if language == "en":
        for part in (
            "Refund No. 2026-000001-R2 22 November 2026, ",
            "Receipt No. 2026-000001 20 November 2026",
            "We sent back €4.20: a part of receipt no. 2026-000001.",
            "Stadtwerke Lindenau GmbH Uferstraße 4, 04229 Lindenau VAT no. DE 123 456 789",
            "What you paid in the end €1.00",
        ):
            assert part in words, (part, words)


def test_its_document_has_the_same_bytes_later_too(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = refunded(kiosk, phone, (520, 83))
    first = pdf_of(phone, key, 1)
    kiosk.clock.advance(40 * 86_400)
    documents._made.clear()
    assert pdf_of(kiosk.phone(), key, 1) == first


@given(
    st.lists(st.integers(1, 5_000), min_size=1, max_size=5),
    st.integers(0, 20_000),
    st.sampled_from(["0", "7", "8.1", "19", "27"]),
)
def test_the_tax_of_all_refunds_and_of_what_is_left_is_the_tax_of_the_receipt(
    parts: list[int], left: int, percent: str
) -> None:
    gross = Money(sum(parts) + left, "EUR")
    rate = Decimal(percent)
    tax = Money(int((gross.minor * rate / (100 + rate)).to_integral_value()), "EUR")
    whole = vat_of(gross, tax, rate)
    amounts = [gross]
    for part in parts:
        amounts.append(Money(amounts[-1].minor - part, "EUR"))
    told = [vat_in(amount, whole) for amount in amounts]
    taken_apart = [part_of(before, after) for before, after in pairwise(told)]
    for part, vat in zip(parts, taken_apart, strict=True):
        assert vat.net is not None
        assert vat.tax is not None
        assert vat.net.minor + vat.tax.minor == part
        assert vat.tax.minor >= 0
    rest = told[-1].tax
    assert rest is not None
    assert sum(vat.tax.minor for vat in taken_apart if vat.tax is not None) + rest.minor == tax.minor


def test_a_tax_that_nobody_told_is_not_made_up_for_a_part() -> None:
    assert part_of(Vat(), vat_in(Money(100, "EUR"), Vat())) == Vat()


def bar(page: str) -> tuple[str, list[str]]:
    """The bar's own words, and its parts."""
    found = re.search(r'<svg class="bar" role="img" aria-label="([^"]+)">(.*?)</svg>', page, re.S)
    assert found is not None
    return found[1], re.findall(r"<rect ([^>]+)/>", found[2])


def test_the_bar_says_and_draws_what_was_paid_in_the_end(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = refunded(kiosk, phone, (520, 83))
    label, parts = bar(phone.get(f"/s/{key}").text)
    assert label == "Of €30.00 held, you paid €5.20 in the end. €4.27 was sent back, and €20.53 goes back."
    assert parts == [
        'class="back" x="17.3%" width="14.3%" height="100%"',
        'class="used" width="17.3%" height="100%"',
    ]
    said = words_of(phone.get(f"/r/{key}.pdf").get_data())
    assert f"Goes back {MINUS}€20.53 Taken" in said
    assert "You paid €5.20" in said


def test_once_the_rest_is_known_to_be_back_all_but_what_was_paid_is_empty(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = refunded(kiosk, phone, (520, 83))
    kiosk.store.set_proof(key, HoldProof(kiosk.now, "succeeded", 0, 947))
    kiosk.receipt(key)
    label, parts = bar(phone.get(f"/s/{key}").text)
    assert label == "Of €30.00 held, you paid €5.20 in the end. €24.80 was given back."
    assert parts == [
        'class="back" x="17.3%" width="82.7%" height="100%"',
        'class="used" width="17.3%" height="100%"',
    ]


def test_its_address_stands_on_paper_and_not_on_the_screen(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = refunded(kiosk, phone, (520, 83))
    page = phone.get(f"/r/{key}/refund/1").text
    assert re.search(rf'<span class="printed">https?://[a-z.]+/r/{key}/refund/1</span>', page)
    assert "This page stays at this address." in page
