"""The report of a day or a month at the desk: a page, a table to take along, and a document to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time

from flask import Blueprint, abort, make_response, url_for
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.domain.money import Money
from kiosk.paper import sheet
from kiosk.service.period_report import PeriodReport, Sum, VatSum
from kiosk.service.reconcile_kept import kept_report
from kiosk.tables.table import Column, Kind, Table, Value
from kiosk.web.desk.access import needs, signed_in
from kiosk.web.desk.download import download, links, words
from kiosk.web.desk.reconcile import Asked, amounts, asked_for, compared_of, records_are_read
from kiosk.web.desk.shell import left_out, page
from kiosk.web.shared.documents import document
from kiosk.web.shared.formats import clock, money, number, percent
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_report", __name__)


@bp.get("/reconcile/report")
@needs(Role.VIEWER)
def report() -> ResponseReturnValue:
    asked, found = _found()
    return page(
        "desk/report.html",
        asked=asked,
        found=found,
        days=[(day, one) for day, one in found.by_day.items() if one.ended or not asked.month],
        rates=[(rate_words(one), one) for one in found.vat],
        open_words=open_words(asked),
        amounts=amounts,
        files=links(".report_file", **asked.chosen),
        paper=url_for(".report_paper", **asked.chosen),  # type: ignore[arg-type]
        back=url_for("desk_reconcile.reconciliation", **asked.chosen),  # type: ignore[arg-type]
        zone=asked.days.zone,
    )


@bp.get("/reconcile/report.<any(csv, xlsx):form>")
@needs(Role.VIEWER)
def report_file(form: str) -> ResponseReturnValue:
    """A row for each day and currency."""
    asked, found = _found()
    chosen = " ".join(f"{name}={value}" for name, value in asked.chosen.items())
    return download(Table("report", columns(), _rows(asked, found), words()), form, chosen)


@bp.get("/reconcile/report.pdf")
@needs(Role.VIEWER)
def report_paper() -> ResponseReturnValue:
    asked, found = _found()
    if left_out():  # a document cannot say that it is of other days than were asked for
        abort(400)
    name = f"report-{asked.site.id}-{asked.said}.pdf"
    parts().store.desk.log(signed_in().person.name, "took_report", parts().clock.now(), subject=name)
    answer = make_response(document(sheet_of(asked, found)))
    answer.content_type = "application/pdf"
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return answer


def columns() -> list[Column]:
    return [
        Column(_("Day"), Kind.TIME),
        Column(_("Site")),
        Column(_("Ended"), Kind.COUNT),
        Column(_("Paid"), Kind.COUNT),
        Column(_("kWh"), Kind.ENERGY),
        Column(_("Taken"), Kind.MONEY),
        Column(_("Sent back"), Kind.MONEY),
        Column(_("Kept"), Kind.MONEY),
        Column(_("Amount not known"), Kind.COUNT),
        Column(_("Energy not known"), Kind.COUNT),
    ]


def _rows(asked: Asked, found: PeriodReport) -> Iterator[Sequence[Value]]:
    for day, one in found.by_day.items():
        at = datetime.combine(day, time(), asked.days.zone)
        for place, currency in enumerate(sorted(one.taken) or [""]):
            money_cells: list[Value] = [None, None, None]
            if currency:
                money_cells = [Money(each[currency], currency) for each in (one.taken, one.sent_back, one.kept)]
            # What has no currency stands once, beside the first of them.
            counts: list[Value] = [one.ended, one.paid, one.energy_kwh] if place == 0 else [None, None, None]
            unknown: list[Value] = [one.unknown_amounts, one.unknown_energies] if place == 0 else [None, None]
            yield (at, asked.site.name, *counts, *money_cells, *unknown)


def _found() -> tuple[Asked, PeriodReport]:
    asked = asked_for()
    if asked is None:
        abort(404)
    kiosk = parts()
    return asked, kept_report(kiosk.store, kiosk.site, asked.site, asked.days, kiosk.clock.now())


# --- in words


def rate_words(one: VatSum) -> str:
    """The rate of a line of VAT, or why there is none."""
    if not one.told:
        return _("nobody said the tax")
    return percent(one.percent) if one.percent is not None else _("of a rate that is not set here")


def open_words(asked: Asked) -> str:
    """What the reconciliation says of these days, so that a report is not taken for more than it is."""
    compared = compared_of(asked)
    missing = [one for one in compared.not_read if one.day <= asked.today]
    sums = compared.found.sums
    told = [
        _(
            "Unexplained against the charger's transactions: %(money)s and %(kwh)s kWh in %(count)s lines.",
            money=amounts(sums.unexplained, sums.taken),
            kwh=number(sums.unexplained_kwh, 3),
            count=sums.open_lines,
        )
    ]
    if missing:
        told.append(
            _("Of %(count)s days the transactions were not read, so they were not compared.", count=len(missing))
        )
    if not records_are_read():
        told.append(_("The amounts were not compared with Stripe: no Stripe key is set."))
    return " ".join(told)


def sheet_of(asked: Asked, found: PeriodReport) -> sheet.Sheet:
    """The report on paper: the same figures as on the page."""
    operator = parts().site.operator
    zone = asked.days.zone
    heads = (_("Day"), _("Ended"), _("kWh"), _("Taken"), _("Sent back"), _("Kept"))
    rows = [_paper_row(day.isoformat(), one) for day, one in found.by_day.items() if one.ended or not asked.month]
    bill = sheet.Table(
        _("Each day"), heads, (*rows, _paper_row(_("All"), found.total, kind="sum")), tuple(unknown_words(found))
    )
    rates = sheet.Table(
        _("VAT by rate, of what was kept"),
        (_("Rate"), _("Net"), _("VAT"), _("Gross")),
        tuple(
            sheet.TableRow((rate_words(one), _or_dash(one.net), _or_dash(one.tax), money(one.gross)))
            for one in found.vat
        ),
    )
    return sheet.Sheet(
        language="en",
        right_to_left=False,
        title=f"{_('Report')} {asked.said}, {asked.site.name}",
        day=found.made_at.astimezone(zone).date().isoformat(),
        brand=operator.name,
        seller=tuple(one for one in (operator.legal_name, operator.address, operator.vat_number) if one),
        kind=_("Report"),
        marks=(asked.said, asked.site.name),
        buyer=(),
        facts=(
            sheet.Fact(_("Site"), (asked.site.name,)),
            sheet.Fact(_("Time zone"), (zone.key,)),
            sheet.Fact(
                _("Made"), (f"{found.made_at.astimezone(zone).date()}, {clock(found.made_at, zone, found.made_at)}",)
            ),
        ),
        bill=bill,
        hold=None,
        bar=None,
        others=(rates,) if found.vat else (),
        notes=(open_words(asked), _("Each charge counts on the day on which it ended, by the clock of the site.")),
        foot=(operator.name,),
    )


def _paper_row(name: str, one: Sum, kind: str = "") -> sheet.TableRow:
    cells = (
        name,
        str(one.ended),
        number(one.energy_kwh, 3),
        amounts(one.taken),
        amounts(one.sent_back, one.taken),
        amounts(one.kept, one.taken),
    )
    return sheet.TableRow(cells, kind)


def unknown_words(found: PeriodReport) -> Iterator[str]:
    """What is in no sum."""
    total = found.total
    if total.unknown_amounts:
        yield _("Of %(count)s charges nobody has said what was taken: they are in no sum.", count=total.unknown_amounts)
    if total.unknown_energies:
        yield _("Of %(count)s charges nobody has said the energy.", count=total.unknown_energies)
    if found.going_on:
        yield _("%(count)s charges go on: they count on the day on which they end.", count=found.going_on)


def _or_dash(amount: Money | None) -> str:
    return money(amount) if amount is not None else "-"
