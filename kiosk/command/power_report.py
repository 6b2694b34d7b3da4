"""`kiosk power`: what each bay can expect by what is stored now, as a table and as a picture. Asks nobody outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from kiosk.charts.fuse_tree import draw
from kiosk.charts.words import table
from kiosk.config.sites import Site, SiteBook
from kiosk.domain.expectation import Expectation, Place
from kiosk.domain.fuses import FuseTree
from kiosk.service.power import Shelf, SitePower, TreeState, site_power


@dataclass(frozen=True)
class Report:
    """Lines for a terminal, and the picture: a whole SVG file."""

    lines: list[str]
    picture: str


def report(book: SiteBook, shelf: Shelf, now: datetime, site_id: str | None) -> Report:
    """Raises SettingsError when it is not clear which site is meant."""
    site = book.chosen_site(site_id)
    power = site_power(site, shelf, now)
    expectations = power.expectations(now)
    labels = _labels(site)
    lines = [f"{site.name}: expected power (estimates)", *_about_tree(site, power)]
    lines += _about_chargers(site, power, expectations, labels, now)
    picture = draw(power.tree or FuseTree(), power.chargers, expectations, now, labels=labels, title=site.name)
    return Report(lines, picture)


def _labels(site: Site) -> dict[Place, str]:
    return {Place(one.code, number): bay.label for one in site.chargers for number, bay in one.bays.items()}


def _about_tree(site: Site, power: SitePower) -> Iterator[str]:
    if site.chargepilot_site is None:
        yield "The site has no chargepilot_site in kiosk.toml: only what each connector can do at most is known."
    elif power.seen_at is None:
        yield "No fuse tree was read yet: only what each connector can do at most is known."
    else:
        at = f"{power.seen_at.astimezone(ZoneInfo(site.timezone)):%Y-%m-%d %H:%M} ({site.timezone})"
        if power.state is TreeState.OLD:
            yield f"The fuse tree of {at} is older than a day and is not used."
        else:
            yield f"Fuse tree of {at}."


def _about_chargers(
    site: Site, power: SitePower, expectations: Mapping[Place, Expectation], labels: Mapping[Place, str], now: datetime
) -> Iterator[str]:
    seen = {one.card.code for one in power.chargers}
    never = [one.code for one in site.chargers if one.code not in seen]
    old = [one.card.code for one in power.chargers if one.card.stale(now)]
    if never:
        yield f"Never seen, and left out: {', '.join(never)}."
    if old:
        yield f"No news for a minute, so whether their bays charge is not known: {', '.join(old)}."
    yield ""
    yield from table(expectations, labels)
