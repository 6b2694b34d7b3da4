"""The report of a day or a month at the desk: the same figures on the page, in the table and on paper."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from pypdf import PdfReader

from kiosk.domain.desk import Role
from kiosk.domain.money import Money
from kiosk.service.period_report import PeriodReport, Sum, VatSum
from kiosk.service.reconcile import Days
from kiosk.web.desk.report import rate_words, unknown_words
from tests.web.conftest import Kiosk

from .conftest import SignIn
from .test_reconcile import SPAN, Books


@pytest.fixture
def books(kiosk: Kiosk) -> Books:
    kiosk.set(plugchoice_token=SecretStr("operator-1"))
    return Books(kiosk)


def test_the_page_says_what_was_taken_and_the_vat_in_it(books: Books, at_desk: SignIn) -> None:
    books.told(books.there())
    page = at_desk(Role.VIEWER).get("/desk/reconcile/report", query_string=SPAN).text
    for words in ("Report, 2026-11-20", "18.620", "€9.47", "19%", "€7.96", "€1.51", "no Stripe key is set"):
        assert words in page, words
    assert "€0.00 and 0.000 kWh in 0 lines" in page


def test_a_month_says_of_how_many_days_nothing_was_compared(books: Books, at_desk: SignIn) -> None:
    books.told(books.there())
    page = at_desk(Role.VIEWER).get("/desk/reconcile/report", query_string={"month": "2026-11"}).text
    assert "Of 20 days the transactions were not read" in page
    assert page.count("<tr><td>2026-11-") == 1, "of a month only days on which something ended"


def test_its_table_has_a_row_for_each_day(books: Books, at_desk: SignIn) -> None:
    assert books.session.captured_minor == 947
    browser = at_desk(Role.VIEWER)
    answer = browser.get("/desk/reconcile/report.csv", query_string={"month": "2026-11"})
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
    assert len(rows) == 21
    (paid,) = [one for one in rows if one["Paid"] == "1"]
    assert (paid["Taken"], paid["Kept"], paid["Sent back"], paid["Currency"]) == ("9.47", "9.47", "0.00", "EUR")
    assert paid["Day, time zone"].startswith("Europe/Berlin")
    assert browser.get("/desk/reconcile/report.xlsx", query_string=SPAN).status_code == 200


def test_on_paper_it_says_the_same_and_the_log_says_who_took_it(books: Books, at_desk: SignIn) -> None:
    unknown = books.kiosk.charging(books.kiosk.phone())
    assert unknown
    answer = at_desk(Role.VIEWER).get("/desk/reconcile/report.pdf", query_string=SPAN)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.get_data())).pages)
    for words in ("Report", "Marktplatz garage", "2026-11-20", "9.47", "18.620", "7.96", "1.51", "Stadtwerke Lindenau"):
        assert words in text, words
    (entry,) = [one for one in books.kiosk.store.desk.log_entries() if one.did == "took_report"]
    assert entry.subject == "report-marktplatz-2026-11-20.pdf"


@pytest.mark.parametrize("form", ["pdf", "csv", "xlsx"])
def test_no_document_is_made_of_days_that_mean_nothing(books: Books, at_desk: SignIn, form: str) -> None:
    assert books.key
    browser = at_desk(Role.VIEWER)
    assert browser.get(f"/desk/reconcile/report.{form}", query_string={"day": "tomorrow"}).status_code == 400
    assert browser.get(f"/desk/reconcile/report.{form}", query_string={"month": "2026-13"}).status_code == 400
    assert "took_report" not in {one.did for one in books.kiosk.store.desk.log_entries()}


def test_what_is_not_known_is_said_on_paper(kiosk: Kiosk) -> None:
    with kiosk.app.test_request_context("/desk/"):
        days = Days(date(2026, 11, 20), date(2026, 11, 20), ZoneInfo("Europe/Berlin"))
        total = Sum(ended=3, unknown_amounts=1, unknown_energies=2)
        said = list(unknown_words(PeriodReport(days, {}, total, (), 4, kiosk.now)))
    assert [one[:14] for one in said] == ["Of 1 charges n", "Of 2 charges n", "4 charges go o"]


def test_nobody_sees_the_report_of_a_site_that_is_not_theirs(books: Books, at_desk: SignIn) -> None:
    assert books.key
    nobody = at_desk(Role.SUPPORT, ["elsewhere"], "ann")
    for path in ("report", "report.csv", "report.pdf"):
        assert nobody.get(f"/desk/reconcile/{path}").status_code == 404


@pytest.mark.parametrize(
    ("told", "percent", "words"),
    [(True, Decimal(19), "19%"), (True, None, "of a rate that is not set here"), (False, None, "nobody said the tax")],
)
def test_a_rate_that_nobody_knows_is_called_so(kiosk: Kiosk, told: bool, percent: Decimal | None, words: str) -> None:
    with kiosk.app.test_request_context("/desk/"):
        assert rate_words(VatSum(percent, told, Money(1, "EUR"), None, None)) == words
