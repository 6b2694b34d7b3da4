"""How people call the place of a charge: the painted bay, the charger, the garage or street, and its time zone."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from kiosk.config.sites import SiteBook
from kiosk.web.shared.local_text import said
from kiosk.web.shared.text import _

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Where:
    """`bay` as it is painted, `place` only if it is known."""

    bay: str
    charger: str
    place: str | None = None
    zone: ZoneInfo = UTC


def where_of(site: SiteBook, code: str, connector_id: int, name: str | None) -> Where:
    """The configured words, else upstream's (`name`), else the code."""
    charger = site.charger(code)
    home = site.site_of(code)
    label = (said(charger.label) if charger is not None else "") or name or _("charger %(code)s", code=code)
    rows = [said(home.name) if home is not None else "", said(charger.place) if charger is not None else ""]
    place = ", ".join(row for row in rows if row) or None
    return Where(site.bay_label(code, connector_id), label, place, site.zone(code))
