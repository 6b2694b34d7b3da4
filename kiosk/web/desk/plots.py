"""Plots for the desk: energy and money a day, use of the bays by hour, how starts end, time from payment to power."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from kiosk.charts import plots as charts
from kiosk.charts.plots import Mark
from kiosk.config.sites import Site
from kiosk.domain.desk import Role
from kiosk.domain.money import Money
from kiosk.domain.plots import DayTotal, Outcome, Step, Waits
from kiosk.service.plots import SPANS, Plots, plots_of
from kiosk.web.desk.access import needs, seen_codes, signed_in
from kiosk.web.desk.shell import Room, add_room, leave_out, page
from kiosk.web.desk.words import OUTCOMES, STEPS
from kiosk.web.shared.formats import duration, number, short_date
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_plots", __name__)

add_room(42, Room("desk_plots.plots", lambda: _("Plots")))


@bp.get("/plots")
@needs(Role.VIEWER)
def plots() -> ResponseReturnValue:
    """`site` and `days` stand in the address. Without a site the first one that the person sees is drawn."""
    sites = [one for one in parts().site.sites if signed_in().person.sees(one.id)]
    site = next((one for one in sites if one.id == request.args.get("site")), sites[0] if sites else None)
    if site is not None and request.args.get("site", site.id) not in {site.id, ""}:
        leave_out(_("Site"), request.args["site"])
    count = request.args.get("days", type=int)
    if count not in SPANS:
        if request.args.get("days"):
            leave_out(_("Days"), request.args["days"])
        count = SPANS[1]
    zone = ZoneInfo(site.timezone if site is not None else "UTC")
    found = plots_of(parts(), site, _codes(site), zone, count)
    name = month_name if found.by_month else short_date
    currencies = sorted({currency for one in found.days for currency in one.taken})
    return page(
        "desk/plots.html",
        it=found,
        sites=sites,
        site=site,
        count=count,
        spans=SPANS,
        zone=zone,
        currencies=currencies,
        day_name=name,
        money_of=Money,
        energy=_energy(found, name),
        taken={currency: _taken(found, currency, name) for currency in currencies},
        hours=_hours(found, site),
        bay_name=lambda bay: parts().site.bay_label(*bay),
        outcomes=[(OUTCOMES[one](), found.outcomes[one]) for one in Outcome],
        ends=_rows({OUTCOMES[one](): found.outcomes[one] for one in Outcome}, _("Starts by how they came out")),
        step_rows=[(STEPS[one](), found.steps[one]) for one in Step],
        steps=_rows({STEPS[one](): found.steps[one] for one in Step}, _("How far starts came")),
        wait_rows=_waits(found.waits),
        waits=_rows(dict(_waits(found.waits)), _("Time from payment to power")),
    )


def _codes(site: Site | None) -> tuple[str, ...] | None:
    return tuple(one.code for one in site.chargers) if site is not None else seen_codes()


def month_name(one: date) -> str:
    """`2026-11`: of months that stand side by side."""
    return one.isoformat()[:7]


def _energy(found: Plots, name: Callable[[date], str]) -> Markup:
    marks = [
        Mark(
            name(one.day),
            one.energy_kwh if one.known else None,
            number(one.energy_kwh),
            _part(one, one.energy_missing),
        )
        for one in found.days
    ]
    told = _("Energy a month, in kWh. %(figures)s") if found.by_month else _("Energy a day, in kWh. %(figures)s")
    return _drawn(charts.columns(marks, told % {"figures": _told(marks)}))


def _taken(found: Plots, currency: str, name: Callable[[date], str]) -> Markup:
    marks = [
        Mark(
            name(one.day),
            Money(one.taken.get(currency, 0), currency).major if one.known else None,
            number(Money(one.taken.get(currency, 0), currency).major),
            _part(one, one.taken_missing),
        )
        for one in found.days
    ]
    told = (
        _("Taken a month, in %(currency)s. %(figures)s")
        if found.by_month
        else _("Taken a day, in %(currency)s. %(figures)s")
    )
    return _drawn(charts.columns(marks, told % {"currency": currency, "figures": _told(marks)}))


def _part(one: DayTotal, missing: int) -> bool:
    return one.so_far or bool(missing)


def _told(marks: list[Mark]) -> str:
    """The outline of a plot for whoever cannot see it; the table behind it has all."""
    known = [mark for mark in marks if mark.value is not None]
    if not known:
        return _("Nothing is known yet.")
    most = max(known, key=lambda mark: mark.value or Decimal(0))
    return _("The most is %(shown)s, on %(day)s.", shown=most.shown, day=most.name)


def _hours(found: Plots, site: Site | None) -> Markup | None:
    if site is None or not found.use:
        return None
    rows = [(parts().site.bay_label(*bay), shares) for bay, shares in found.use.items()]
    told = _("Share of the time in which a car charged, by bay and hour. All figures stand in the table.")
    return _drawn(charts.hours(rows, told))


def _rows(counts: Mapping[str, int], title: str) -> Markup:
    marks = [Mark(name, Decimal(count), str(count)) for name, count in counts.items()]
    told = ", ".join(f"{mark.name} {mark.shown}" for mark in marks)
    return _drawn(charts.rows(marks, f"{title}: {told}"))


def _waits(found: Waits) -> list[tuple[str, int]]:
    rows = [(_("within %(time)s", time=duration(bound)), count) for bound, count in found.within]
    return [*rows, (_("later"), found.later)]


def _drawn(svg: str) -> Markup:
    """Words in it are escaped where it is drawn."""
    return Markup(svg)  # noqa: S704
