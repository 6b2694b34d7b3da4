"""The tables of a month of a site as files for bookkeeping: each charge, each day, and the VAT by rate.

Both forms of a table are made from what is stored, row by row, so a busy month takes no more memory than a quiet one.
The sums of the three are those of the month's report at the desk.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from kiosk.config.logs import session_mark
from kiosk.config.sites import Site, SiteBook
from kiosk.domain.money import Money
from kiosk.domain.nightly import file_name
from kiosk.domain.receipt import Receipt, receipt_of
from kiosk.domain.session import Phase, Session
from kiosk.domain.vat import Vat, vat_in, vat_of
from kiosk.service.period_report import EVER, PeriodReport, Rated, ended_at, report_of, with_rates
from kiosk.service.reconcile import Days
from kiosk.service.story import status_word
from kiosk.store.store import Store
from kiosk.tables import csv_text, workbook
from kiosk.tables.table import Column, Kind, Table, Value

_AT_ONCE = 500
_PIECES: Mapping[str, Callable[[Table], Iterator[bytes]]] = {
    "csv": csv_text.csv_pieces,
    "xlsx": workbook.xlsx_pieces,
}
CHARGES = (
    Column("Ended", Kind.TIME),
    Column("Began", Kind.TIME),
    Column("Receipt"),
    Column("Session"),
    Column("Charger"),
    Column("Bay"),
    Column("State"),
    Column("kWh", Kind.ENERGY),
    Column("VAT rate", Kind.ENERGY),
    Column("Held", Kind.MONEY),
    Column("Taken", Kind.MONEY),
    Column("Sent back", Kind.MONEY),
    Column("Kept", Kind.MONEY),
    Column("Net", Kind.MONEY),
    Column("VAT", Kind.MONEY),
)
DAYS = (
    Column("Day", Kind.TIME),
    Column("Ended", Kind.COUNT),
    Column("Paid", Kind.COUNT),
    Column("kWh", Kind.ENERGY),
    Column("Taken", Kind.MONEY),
    Column("Sent back", Kind.MONEY),
    Column("Kept", Kind.MONEY),
    Column("Amount not known", Kind.COUNT),
    Column("Energy not known", Kind.COUNT),
)
RATES = (
    Column("VAT rate", Kind.ENERGY),
    Column("What is known"),
    Column("Net", Kind.MONEY),
    Column("VAT", Kind.MONEY),
    Column("Gross", Kind.MONEY),
)


def days_of_month(month: date, zone: ZoneInfo, now: datetime) -> Days:
    """From its first day to its last, or until today."""
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Days(month, max(month, min(last, now.astimezone(zone).date())), zone)


def tables_of(
    store: Store, book: SiteBook
) -> Callable[[str, date, datetime, Path], Generator[tuple[str, Path], None, None]]:
    """Makes the tables of a month of a site, by its id: see `write_month`."""
    return lambda site_id, month, now, folder: write_month(store, book, book.chosen_site(site_id), month, now, folder)


def write_month(
    store: Store, book: SiteBook, site: Site, month: date, now: datetime, folder: Path
) -> Generator[tuple[str, Path], None, None]:
    """Write each table in each form into `folder`, which is this user's alone, and give the name that it is known by.

    One that was given is deleted when the next one is asked for. Raises OSError, and what the store raises.
    """
    days = days_of_month(month, ZoneInfo(site.timezone), now)
    found = report_of(store, book, site, days, now)
    tables: Mapping[str, Callable[[], Table]] = {
        "charges": lambda: Table("charges", CHARGES, charge_rows(store, book, site, days)),
        "days": lambda: Table("days", DAYS, day_rows(found)),
        "vat": lambda: Table("vat", RATES, rate_rows(found)),
    }
    for table, made in tables.items():
        for form, pieces in _PIECES.items():
            name = file_name(site.id, month, table, form)
            file = folder / name
            with file.open("wb") as out:
                out.writelines(pieces(made()))
            yield name, file
            file.unlink()


def charge_rows(store: Store, book: SiteBook, site: Site, days: Days) -> Iterator[Sequence[Value]]:
    """Each charge that ended in these days, in the order in which it was asked for."""
    codes = {one.code for one in site.chargers}
    over = store.sessions_over(days.since - EVER, days.until + EVER)
    rated = with_rates(store, book, (one for one, _intent in over if one.code in codes and _counts(one, days)))
    while some := list(islice(rated, _AT_ONCE)):
        numbers = store.receipt_numbers([session.key for session, _percent in some])
        yield from (_charge(one, numbers, book, days.zone) for one in some)


def day_rows(found: PeriodReport) -> Iterator[Sequence[Value]]:
    """A row for each day and currency."""
    for day, one in found.by_day.items():
        at = datetime.combine(day, time(), found.days.zone)
        for place, currency in enumerate(sorted(one.taken) or [""]):
            amounts: list[Value] = [None, None, None]
            if currency:
                amounts = [Money(each[currency], currency) for each in (one.taken, one.sent_back, one.kept)]
            # What has no currency stands once, beside the first of them.
            counts: list[Value] = [one.ended, one.paid, one.energy_kwh] if place == 0 else [None, None, None]
            unknown: list[Value] = [one.unknown_amounts, one.unknown_energies] if place == 0 else [None, None]
            yield (at, *counts, *amounts, *unknown)


def rate_rows(found: PeriodReport) -> Iterable[Sequence[Value]]:
    """What was kept, by the rate of VAT in it."""
    for one in found.vat:
        known = "rate and tax" if one.percent is not None else "the tax alone" if one.told else "nobody said the tax"
        yield (one.percent, known, one.net, one.tax, one.gross)


def _counts(session: Session, days: Days) -> bool:
    came = session.phase in {Phase.OPEN, Phase.GONE} and session.end is not None
    return came and days.has(ended_at(session))


def _charge(rated: Rated, numbers: Mapping[str, str], book: SiteBook, zone: ZoneInfo) -> Sequence[Value]:
    session, _percent = rated
    receipt = receipt_of(session)
    vat = vat_kept(receipt, rated)
    taken = receipt.taken if receipt is not None else None
    kept = receipt.kept if receipt is not None else None
    began = session.charging_started_at
    return (
        ended_at(session).astimezone(zone),
        began.astimezone(zone) if began is not None else None,
        numbers.get(session.key),
        session_mark(session.key),
        session.code,
        book.bay_label(session.code, session.connector_id),
        status_word(session),
        session.energy_kwh,
        vat.percent if vat.tax is not None else None,
        session.money(session.authorized_minor),
        taken,
        taken - kept if taken is not None and kept is not None else None,
        kept,
        vat.net,
        vat.tax,
    )


def vat_kept(receipt: Receipt | None, rated: Rated) -> Vat:
    """The VAT in what was kept, as the month's report counts it."""
    if receipt is None or receipt.taken is None or receipt.kept is None:
        return Vat()
    return vat_in(receipt.kept, vat_of(receipt.taken, receipt.tax, rated[1]))
