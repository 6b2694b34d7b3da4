"""What kiosk.toml tells of a site beyond its bays, in the reader's words. What is not set is not said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kiosk.config.sites import Site, SiteBook
from kiosk.web.shared.formats import percent
from kiosk.web.shared.local_text import said
from kiosk.web.shared.text import _


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """`card_reader` says where one is (EU-03), `state_notice` what a state wants to be said (US-07); "" when not set.

    `rows` are names and values for who wants to know more (EU-13, DE-12).
    """

    card_reader: str = ""
    state_notice: str = ""
    no_idle_fee: bool = False
    rows: tuple[tuple[str, str], ...] = ()


def site_facts(book: SiteBook, code: str) -> SiteFacts:
    """Those of the charger's site; the charger's own word goes before its site's."""
    site, charger = book.site_of(code), book.charger(code)
    if site is None or charger is None:
        return SiteFacts()
    return SiteFacts(
        card_reader=said(charger.card_reader or site.card_reader),
        state_notice=said(site.state_notice),
        no_idle_fee=site.no_idle_fee,
        rows=tuple(_rows(site)),
    )


def _rows(site: Site) -> Iterator[tuple[str, str]]:
    if site.opening_hours is not None:
        yield _("Opening hours"), said(site.opening_hours)
    if accessible := accessible_bays(site):
        yield _("Accessible bays"), ", ".join(accessible)
    if site.renewable_percent is not None:
        yield _("Renewable electricity"), percent(site.renewable_percent)
    if site.signed_readings is False:
        yield _("Meter readings"), _("not signed")
    elif site.signed_readings is not None:
        yield _("Signed meter readings"), said(site.signed_readings)


def accessible_bays(site: Site) -> tuple[str, ...]:
    """The labels of those that are said to be made for people who need more room."""
    return tuple(bay.label for one in site.chargers for _number, bay in sorted(one.bays.items()) if bay.accessible)
