"""The tables of a month: each charge once, sums as in the report, unknown left empty, the same memory however long."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from kiosk.config.sites import SiteBook
from kiosk.domain.money import Money
from kiosk.domain.session import Session
from kiosk.service import month_tables, period_report
from kiosk.service.month_tables import CHARGES, charge_rows, day_rows, days_of_month, rate_rows, tables_of
from kiosk.service.period_report import report_of
from kiosk.service.reconcile import Days
from kiosk.store import Store
from kiosk.tables.csv_text import csv_pieces
from kiosk.tables.table import Table, Value
from kiosk.tables.workbook import xlsx_pieces
from tests.domain.made import after
from tests.service.test_period_report import ended
from tests.store.build import NOW, charging, later, opened, queued, whole_end
from tests.worlds.once import migrated_store

BERLIN = ZoneInfo("Europe/Berlin")
MONTH = NOW.astimezone(BERLIN).date().replace(day=1)
BOOK = SiteBook.model_validate(
    {
        "operator": {"vat_percent": 19},
        "sites": [{"id": "garage", "name": "Garage", "timezone": "Europe/Berlin", "chargers": [{"code": "ABC"}]}],
    }
)
(SITE,) = BOOK.sites


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = migrated_store(tmp_path / "kiosk.db")
    yield store
    store.close()


def a_charge(store: Store, key: str, **more: Any) -> None:
    opened(store, queued(key, **more), token=f"token-{key}")
    store.observe(key, charging(20, charging_started_at=later(15)), source="read")
    store.observe(key, whole_end(60, tax_minor=84, completed_at=later(50)), source="read")


def written(store: Store, folder: Path) -> dict[str, bytes]:
    made = tables_of(store, BOOK)("garage", MONTH, later(3600), folder)
    found = {name: file.read_bytes() for name, file in made}
    assert list(folder.iterdir()) == []
    return found


def csv_rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))


def test_every_table_comes_in_both_forms_under_its_name(store: Store, tmp_path: Path) -> None:
    a_charge(store, "key-1")
    folder = tmp_path / "shop"
    folder.mkdir()
    found = written(store, folder)
    assert list(found) == [
        f"garage-{MONTH:%Y-%m}-{table}.{form}" for table in ("charges", "days", "vat") for form in ("csv", "xlsx")
    ]
    (row,) = csv_rows(found[f"garage-{MONTH:%Y-%m}-charges.csv"])
    assert (row["Charger"], row["kWh"], row["Taken"], row["Kept"], row["Currency"]) == (
        "ABC",
        "10",
        "5.25",
        "5.25",
        "EUR",
    )
    assert (row["Net"], row["VAT"], row["VAT rate"]) == ("4.41", "0.84", "19")
    assert row["Ended, time zone"].startswith("Europe/Berlin (UTC+0")
    book = openpyxl.load_workbook(io.BytesIO(found[f"garage-{MONTH:%Y-%m}-vat.xlsx"]))
    assert [cell.value for cell in next(book.active.iter_rows(min_row=2))] == [
        19,
        "rate and tax",
        4.41,
        0.84,
        5.25,
        "EUR",
    ]


def test_the_sums_are_those_of_the_report_and_the_unknown_stays_empty(store: Store) -> None:
    for number in range(3):
        a_charge(store, f"key-{number}", connector_id=number + 1)
    a_charge(store, "elsewhere", code="XYZ")
    opened(store, queued("runs", connector_id=7), token="token-runs")
    opened(store, queued("silent", connector_id=8), token="token-silent")
    store.observe("silent", charging(20, charging_started_at=later(15)), source="read")
    store.observe("silent", whole_end(60, captured_minor=None, energy_kwh=None), source="read")
    store.issue_receipt("key-1", {"seller": {"vat_percent": "19"}}, later(100))
    days = days_of_month(MONTH, BERLIN, later(3600))
    report = report_of(store, BOOK, SITE, days, later(3600))
    rows = [dict(zip([one.name for one in CHARGES], row, strict=True)) for row in charge_rows(store, BOOK, SITE, days)]
    assert len(rows) == report.total.ended == 4
    assert _sum(rows, "Kept") == report.total.kept
    assert _sum(rows, "VAT") == Counter(EUR=sum(one.tax.minor for one in report.vat if one.tax is not None))
    assert sum(row["Taken"] is None for row in rows) == 1
    assert sum(row["Receipt"] is not None for row in rows) == 1
    assert _sum([dict(zip("abcdefghi", row, strict=True)) for row in day_rows(report)], "g") == report.total.kept
    assert sum(row[4].minor for row in rate_rows(report) if isinstance(row[4], Money)) == report.total.kept["EUR"]


def _sum(rows: Sequence[dict[str, Value]], column: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        value = row[column]
        if isinstance(value, Money):
            found[value.currency] += value.minor
    return found


def test_a_rate_that_nobody_set_and_a_tax_that_nobody_said_are_told_apart() -> None:
    session = ended(tax_minor=37)
    silent = ended(tax_minor=None)
    report = period_report.report([(session, None), (silent, None)], days_around(session), after(9000))
    assert [row[1] for row in rate_rows(report)] == ["the tax alone", "nobody said the tax"]


def days_around(session: Session) -> Days:
    day = period_report.ended_at(session).astimezone(BERLIN).date()
    return Days(day, day, BERLIN)


@pytest.mark.parametrize(
    ("month", "last"),
    [
        (date(2026, 1, 1), date(2026, 1, 31)),
        (date(2026, 2, 1), date(2026, 2, 10)),
        (date(2026, 3, 1), date(2026, 3, 1)),
    ],
)
def test_a_month_ends_with_its_last_day_or_today(month: date, last: date) -> None:
    assert days_of_month(month, BERLIN, datetime(2026, 2, 10, 12, tzinfo=BERLIN)).last == last


@pytest.mark.slow
@pytest.mark.parametrize("pieces", [csv_pieces, xlsx_pieces])
def test_a_busy_month_takes_no_more_memory_than_a_quiet_one(pieces: object) -> None:
    few, many = _peak(pieces, 600), _peak(pieces, 3600)
    assert many < 2 * few


def _peak(pieces: object, count: int) -> int:
    """Bytes at most while a table of so many charges is written."""
    session = ended()
    days = days_around(session)

    class Rows:
        def sessions_over(self, *_: object) -> Iterator[tuple[Session, None]]:
            return ((session, None) for _ in range(count))

        def rates_of(self, _keys: object) -> dict[str, Decimal]:
            return {}

        def receipt_numbers(self, _keys: object) -> dict[str, str]:
            return {}

    book = SiteBook.model_validate(
        {"sites": [{"id": "a", "name": "A", "timezone": "Europe/Berlin", "chargers": [{"code": session.code}]}]}
    )
    rows = month_tables.charge_rows(Rows(), book, book.sites[0], days)  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        size = sum(len(piece) for piece in pieces(Table("charges", CHARGES, rows)))  # type: ignore[operator, misc]
        assert size > 10 * count
        report = period_report.report(((session, Decimal(19)) for _ in range(count)), days, after(9000))
        assert report.total.ended == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
