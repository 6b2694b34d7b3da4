"""Whether the kiosk is set up well: what the doctor says, chargers, sites, stickers, and codes for tablets. For owners.

A page asks nobody. What goes outside is begun by a button, within the budgets, and its answers are shown as they come.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.config.settings import SettingsError
from kiosk.config.sites import Site
from kiosk.domain.desk import Role
from kiosk.domain.finding import Finding
from kiosk.domain.limits import ROUGH_AFTER
from kiosk.domain.price_history import Part, PriceChange
from kiosk.service.pairing import LONGEST_NAME, PairingCode, new_code
from kiosk.service.setup import chargers_of, price_problems, prices_at
from kiosk.stickers.order import Order, make
from kiosk.tables.table import Column, Kind, Table, Value
from kiosk.web.desk.access import needs, signed_in
from kiosk.web.desk.download import download, links, words
from kiosk.web.desk.shell import Room, add_room, page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_setup", __name__)

add_room(45, Room("desk_setup.setup", lambda: _("Set-up"), Role.OWNER))

MOST_PRICES = 20
"""Of a site that stand on the page; the file has all of them."""
_LOUD = ("BAD", "note")


@bp.get("/setup")
@needs(Role.OWNER)
def setup() -> ResponseReturnValue:
    return _setup()


@bp.post("/setup")
@needs(Role.OWNER)
def ask() -> ResponseReturnValue:
    """Asks every system that is set, once; the page that follows shows what has come so far."""
    if parts().checkup.ask():
        parts().store.desk.log(signed_in().person.name, "asked_everybody", parts().clock.now())
    return redirect(url_for("desk_setup.setup") + "#asked", 303)


@bp.post("/setup/tablet")
@needs(Role.OWNER)
def tablet() -> ResponseReturnValue:
    """A code for one more screen, shown on this answer alone."""
    site = _site(request.form.get("site", ""))
    try:
        return _setup(code=new_code(parts(), signed_in().person, site, request.form.get("name", "")))
    except SettingsError as error:
        return _setup(problem=str(error), status=422)


@bp.get("/setup/stickers/<site_id>.pdf")
@needs(Role.OWNER)
def stickers(site_id: str) -> ResponseReturnValue:
    """Every charger of a site, one a page, in the usual size. `kiosk stickers` has sizes, sheets and cut marks."""
    site = _site(site_id)
    try:
        made = make(parts().site, parts().settings.public_url, Order(site=site.id, forms=("pdf",)))
    except SettingsError as error:
        return page("desk/not_made.html", 409, why=str(error))
    answer = Response(next(iter(made.files.values())), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="stickers-{site.id}.pdf"'
    return answer


@bp.get("/setup/prices/<site_id>.<any(csv, xlsx):form>")
@needs(Role.OWNER)
def prices(site_id: str, form: str) -> ResponseReturnValue:
    """Every price of a site's chargers that was read, as a file."""
    site = _site(site_id)
    rows = (_price_row(one, ZoneInfo(site.timezone)) for one in prices_at(parts(), site))
    return download(Table("prices", price_columns(), rows, words()), form, f"site={site.id}")


def price_columns() -> list[Column]:
    """What stands in each."""
    return [
        Column(_("Charger")),
        Column(_("Price of a kWh"), Kind.MONEY),
        Column(_("Start fee"), Kind.MONEY),
        Column(_("Hold"), Kind.MONEY),
        Column(_("Read first"), Kind.TIME),
        Column(_("The one before read last"), Kind.TIME),
        Column(_("What changed")),
    ]


def _price_row(change: PriceChange, zone: ZoneInfo) -> list[Value]:
    read, tariff = change.read, change.read.tariff
    return [
        read.code,
        tariff.price_per_kwh if tariff is not None else None,
        tariff.start_fee if tariff is not None else None,
        read.hold,
        read.since.astimezone(zone),
        read.before_at.astimezone(zone) if read.before_at is not None else None,
        parts_words(change),
    ]


_PARTS: dict[Part, Callable[[], str]] = {
    Part.FIRST: lambda: _("the first that was read"),
    Part.KWH: lambda: _("price of a kWh"),
    Part.START_FEE: lambda: _("start fee"),
    Part.HOLD: lambda: _("hold"),
    Part.CURRENCY: lambda: _("currency"),
    Part.GONE: lambda: _("no price any more"),
    Part.BACK: lambda: _("a price again"),
}


def parts_words(change: PriceChange) -> str:
    """What differs from the price before."""
    return ", ".join(_PARTS[part]() for part in change.parts)


def _setup(code: PairingCode | None = None, problem: str = "", status: int = 200) -> ResponseReturnValue:
    checkup = parts().checkup
    asked = checkup.asked()
    everything = [*checkup.now(), *(asked.findings if asked is not None else ())]
    seen = [site for site in parts().site.sites if signed_in().person.sees(site.id)]
    return page(
        "desk/setup.html",
        status,
        todo=sorted((one for one in everything if one.mark in _LOUD), key=lambda one: _LOUD.index(one.mark)),
        fine=_by_subject([one for one in everything if one.mark not in _LOUD]),
        now=parts().clock.now(),
        asked=asked,
        sites=seen,
        chargers={site.id: chargers_of(parts(), site) for site in seen},
        prices={site.id: prices_at(parts(), site) for site in seen},
        price_problems={site.id: price_problems(parts(), site) for site in seen},
        price_files={site.id: links("desk_setup.prices", site_id=site.id) for site in seen},
        zones={site.id: ZoneInfo(site.timezone) for site in seen},
        parts_words=parts_words,
        most_prices=MOST_PRICES,
        code=code,
        problem=problem,
        too_rare=ROUGH_AFTER,
        longest_name=LONGEST_NAME,
    )


def _by_subject(findings: list[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(one.about, []).append(one)
    return found


def _site(site_id: str) -> Site:
    site = parts().site.site(site_id)
    if site is None or not signed_in().person.sees(site.id):
        abort(404)
    return site
