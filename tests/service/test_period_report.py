"""The report of a day or a month: each session on the day of its end, the VAT by rate, the unknown apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kiosk.config.sites import SiteBook
from kiosk.domain.money import Money
from kiosk.domain.session import Phase, Refund, Session
from kiosk.domain.tariff import Tariff
from kiosk.service.period_report import PeriodReport, VatSum, report, report_of
from kiosk.service.reconcile import Days
from kiosk.store import Store
from tests.domain.made import EURO, T0, a_session, after
from tests.store.build import NOW, charging, later, opened, queued, whole_end
from tests.worlds.once import migrated_store

BERLIN = ZoneInfo("Europe/Berlin")
DAY = T0.astimezone(BERLIN).date()
DAYS = Days(DAY, DAY + timedelta(days=1), BERLIN)


def ended(energy: str | None = "10.00", taken: int | None = 525, **more: Any) -> Session:
    facts: dict[str, Any] = {
        "phase": Phase.OPEN,
        "status": "captured",
        "tariff": EURO,
        "authorized_minor": 5000,
        "charging_started_at": after(60),
        "completed_at": after(2460),
        "status_since": after(2480),
        "energy_kwh": None if energy is None else Decimal(energy),
        "captured_minor": taken,
        "tax_minor": 84 if taken == 525 else None,
        "final": True,
    }
    facts.pop("final")
    return a_session(**(facts | more))


def of(*sessions: Session, percent: str | None = "19") -> PeriodReport:
    rate = None if percent is None else Decimal(percent)
    return report([(one, rate) for one in sessions], DAYS, after(9000))


def test_a_session_counts_on_the_day_of_its_end() -> None:
    midnight = (Days(DAY, DAY, BERLIN).until - T0).total_seconds()
    late = ended(completed_at=after(midnight + 1), status_since=after(midnight + 30))
    outside = ended(completed_at=after(midnight + 90_000), status_since=after(midnight + 90_000))
    found = of(ended(), late, outside)
    assert {day: one.ended for day, one in found.by_day.items()} == {DAY: 1, DAY + timedelta(days=1): 1}
    assert (found.total.ended, found.total.paid, found.total.energy_kwh) == (2, 2, Decimal("20.00"))
    assert found.total.taken == Counter(EUR=1050)


def test_vat_stands_by_rate_and_parts_add_up_to_what_was_kept() -> None:
    found = of(ended(), ended(), ended(tax_minor=37), ended(tax_minor=None))
    assert found.vat == (
        VatSum(Decimal(19), True, Money(1050, "EUR"), Money(882, "EUR"), Money(168, "EUR")),
        VatSum(None, True, Money(525, "EUR"), Money(488, "EUR"), Money(37, "EUR")),
        VatSum(None, False, Money(525, "EUR"), None, None),
    )
    assert sum(one.gross.minor for one in found.vat) == found.total.kept["EUR"]
    assert of(ended(), percent=None).vat[0].percent is None


def test_what_was_sent_back_lessens_what_was_kept_and_its_tax() -> None:
    back = ended(status="refunded", refunds=(Refund(525, after(3000)),))
    part = ended(refunds=(Refund(200, after(3000)),))
    found = of(back, part)
    assert found.total.taken == Counter(EUR=1050)
    assert found.total.sent_back == Counter(EUR=725)
    assert found.total.kept == Counter(EUR=325)
    (only,) = found.vat
    assert only.gross == Money(325, "EUR")
    assert only.tax == Money(52, "EUR")


def test_the_unknown_is_counted_apart_and_never_as_zero() -> None:
    found = of(ended(energy=None), ended(taken=None), ended(energy=None, charging_started_at=None, taken=0))
    assert (found.total.unknown_energies, found.total.unknown_amounts) == (1, 1)
    assert found.total.ended == 3
    assert found.total.paid == 1


def test_what_goes_on_or_never_was_a_session_is_in_no_sum() -> None:
    running = ended(status="charging", completed_at=None, taken=None)
    refused = ended(phase=Phase.REFUSED)
    tomorrow = replace(running, requested_at=DAYS.until + timedelta(hours=1))
    found = of(running, refused, tomorrow)
    assert (found.total.ended, found.going_on) == (0, 1)


def test_an_end_without_its_time_counts_when_it_was_seen() -> None:
    assert of(ended(completed_at=None)).total.ended == 1
    assert of(ended(completed_at=None, status_since=None, requested_at=T0)).total.ended == 1


def test_currencies_are_never_added_up() -> None:
    franc = replace(EURO, currency="CHF")
    assert isinstance(franc, Tariff)
    found = of(ended(), ended(tariff=franc))
    assert found.total.taken == Counter(EUR=525, CHF=525)
    assert [one.gross.currency for one in found.vat] == ["CHF", "EUR"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = migrated_store(tmp_path / "kiosk.db")
    yield made
    made.close()


def test_it_is_made_of_what_is_stored_of_the_sites_chargers(store: Store) -> None:
    for key, code in (("ours", "ABCD2"), ("theirs", "XYZ")):
        opened(store, queued(key, code=code), token=f"token of {key}")
        store.observe(key, charging(20, charging_started_at=later(10)), source="read")
        store.observe(key, whole_end(60, completed_at=later(50)), source="read")
    book = SiteBook.model_validate(
        {"sites": [{"id": "a", "name": "A", "timezone": "Europe/Berlin", "chargers": [{"code": "ABCD2"}]}]}
    )
    day = NOW.astimezone(BERLIN).date()
    found = report_of(store, book, book.sites[0], Days(day, day, BERLIN), later(90))
    assert found.total.ended == 1
    assert date(2026, 1, 1) < day


def test_vat_is_told_at_the_rate_of_the_receipt_and_not_of_today(store: Store) -> None:
    """The rate went from 19 to 7 per cent. What has no receipt yet would be issued at today's."""
    for key in ("before", "since", "no receipt", "no rate"):
        opened(store, queued(key, code="ABCD2", connector_id=len(key)), token=f"token of {key}")
        store.observe(key, charging(20, charging_started_at=later(10)), source="read")
        tax = 84 if key == "before" else 34
        end = whole_end(60, completed_at=later(50), captured_minor=525, cost_minor=525, tax_minor=tax)
        store.observe(key, end, source="read")
    for key, percent in (("before", "19"), ("since", "7"), ("no rate", None)):
        store.issue_receipt(key, {"seller": {"vat_percent": percent}}, later(61))
    chargers = [{"code": "ABCD2"}]
    book = SiteBook.model_validate(
        {"sites": [{"id": "a", "name": "A", "timezone": "Europe/Berlin", "vat_percent": "7", "chargers": chargers}]}
    )
    day = NOW.astimezone(BERLIN).date()
    found = report_of(store, book, book.sites[0], Days(day, day, BERLIN), later(90))
    assert [(one.percent, one.gross.minor, one.tax and one.tax.minor) for one in found.vat] == [
        (Decimal(7), 1050, 68),
        (Decimal(19), 525, 84),
        (None, 525, 34),
    ]
