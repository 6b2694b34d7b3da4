"""The power that a driver can expect, for the pages: worked out once per change and site, and said in plain words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from threading import Lock

import structlog
from flask import current_app

from kiosk.config.sites import Site
from kiosk.domain.charger import ChargerCard
from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Place, Share
from kiosk.domain.fuses import NodeKind
from kiosk.domain.power import expected_power
from kiosk.news.live import charger_topic, site_topic
from kiosk.news.news import News
from kiosk.service.power import Shelf, SitePower, powered, site_power
from kiosk.web.shared.formats import NBSP, number
from kiosk.web.shared.i18n import language
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

KEEP_SECONDS = 2.0
"""For so long an answer is given out again without a look at the store, unless there is news of a charger."""
CONTRADICTS_BY, CONTRADICTS_BY_KW = Decimal("0.05"), Decimal("0.3")
"""A meter says more than the estimate when it does so by this part of it, and at least by so many kW."""
LATE_SECONDS = 10.0
"""While somebody else works the new answer out, the last one will do for so long."""

_log = structlog.stdlib.get_logger(__name__)


@dataclass
class _Site:
    """The last answer for one site. `lock` is held by whoever works out the next one."""

    lock: Lock = field(default_factory=Lock)
    answer: Mapping[Place, Expectation] | None = None
    facts: tuple[object, ...] = ()
    versions: tuple[int, ...] = ()
    asked: datetime | None = None
    at: float = 0.0
    failing: bool = False


class Powers:
    """Expectations by site. Safe to use from many threads; `worked_out` counts the computations."""

    def __init__(self, live: News, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._live = live
        self._monotonic = monotonic
        self._sites: dict[str, _Site] = {}
        self.worked_out = 0

    def of(self, site: Site, shelf: Shelf, now: datetime, rate: float = 1.0) -> Mapping[Place, Expectation]:
        """Never raises: what cannot be worked out is left out, because paying and charging work without it."""
        kept = self._sites.setdefault(site.id, _Site())
        if self._holds(kept, self._versions(site), now, rate):
            return kept.answer or {}
        late = kept.answer is not None and self._young(kept, now, LATE_SECONDS, rate)
        if not kept.lock.acquire(blocking=not late):
            return kept.answer or {}
        try:
            versions = self._versions(site)
            # Whoever had the lock before may have worked it out just now.
            if not self._holds(kept, versions, now, rate):
                self._renew(kept, site, shelf, now)
                kept.versions, kept.asked, kept.at = versions, now, self._monotonic()
        finally:
            kept.lock.release()
        return kept.answer or {}

    def _renew(self, kept: _Site, site: Site, shelf: Shelf, now: datetime) -> None:
        """A failure is told once until it works again, however often the site is looked at."""
        try:
            self._work_out(kept, site, shelf, now)
        except Exception:  # noqa: BLE001 - a tree of any shape must not take the pages down
            if not kept.failing:
                _log.exception("expected power could not be worked out", site=site.id)
            kept.answer, kept.facts, kept.failing = {}, (), True
        else:
            kept.failing = False

    def _work_out(self, kept: _Site, site: Site, shelf: Shelf, now: datetime) -> None:
        power: SitePower = site_power(site, shelf, now)
        facts = power.facts(now)
        if kept.answer is None or facts != kept.facts:
            self.worked_out += 1
            kept.answer, kept.facts = power.expectations(now), facts

    def _versions(self, site: Site) -> tuple[int, ...]:
        version = self._live.version
        return version(site_topic(site.id)), *(version(charger_topic(one.code)) for one in site.chargers)

    def _holds(self, kept: _Site, versions: tuple[int, ...], now: datetime, rate: float) -> bool:
        """The last answer is still the answer."""
        return kept.answer is not None and kept.versions == versions and self._young(kept, now, KEEP_SECONDS, rate)

    def _young(self, kept: _Site, now: datetime, seconds: float, rate: float) -> bool:
        """By the kiosk's clock in either direction, and by one that nobody can set."""
        if kept.asked is None:
            return False
        by_clock = abs(now - kept.asked) < timedelta(seconds=seconds * rate)
        return by_clock and self._monotonic() - kept.at < seconds


def powers_of(site: Site) -> Mapping[Place, Expectation]:
    """What each bay of the site can expect, by what is stored; those never seen are missing. Counts as watching."""
    app = parts()
    if site.chargepilot_site is not None:
        # Without a fuse tree nobody's power depends on the neighbours, and nobody has to be asked about them.
        app.live.glance(site_topic(site.id))
    return _powers(app.live).of(site, app.store, app.clock.now(), app.clock.rate)


def powers_at(card: ChargerCard) -> Mapping[int, Expectation]:
    """The same for one charger, by connector. One that belongs to no site is looked at alone."""
    app = parts()
    site = app.site.site_of(card.code)
    if site is not None:
        return {place.connector_id: one for place, one in powers_of(site).items() if place.code == card.code}
    alone = powered(card, None, app.store.lab_facts([card.code]).get(card.code), ())
    return {place.connector_id: one for place, one in expected_power(None, [alone], app.clock.now()).items()}


def _powers(live: News) -> Powers:
    made: Powers = current_app.extensions.setdefault("kiosk.powers", Powers(live))
    return made


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that a charging car gets at its bay now, as it was worked out. `assumed` is in a fixed order."""

    share: Share
    assumed: tuple[Assumption, ...]


def ceiling_at(code: str, connector_id: int) -> Ceiling | None:
    """None when nothing can be said, or the charger belongs to no site."""
    site = parts().site.site_of(code)
    found = powers_of(site).get(Place(code, connector_id)) if site is not None else None
    if found is None or found.now.kw is None or _senseless(found.now):
        return None
    return Ceiling(found.now, tuple(sorted(found.assumptions)))


def believed(ceiling: Ceiling | None, measured_kw: Decimal | None) -> Ceiling | None:
    """The ceiling, unless the meter contradicts it. A car that takes just what it may does not make it come and go."""
    if ceiling is None or ceiling.share.kw is None:
        return None
    most = ceiling.share.kw + max(ceiling.share.kw * CONTRADICTS_BY, CONTRADICTS_BY_KW)
    return None if measured_kw is not None and measured_kw > most else ceiling


# --- words


def ceiling_words(ceiling: Ceiling | None) -> str:
    if ceiling is None or ceiling.share.kw is None:
        return ""
    if ceiling.share.pauses:
        return _("There is not enough power for all cars now. Yours may have to wait its turn. This is an estimate.")
    power, why = kilowatts(ceiling.share.kw), reason(ceiling.share, frozenset(ceiling.assumed))
    return _("This bay gives up to %(power)s now: %(reason)s. This is an estimate.", power=power, reason=why)


@dataclass(frozen=True, slots=True)
class PowerWords:
    """One expectation in the reader's language.

    `range` is "11 to 22 kW" or "22 kW"; `at_most`: it is an upper bound, to be shown with "up to" (`short` does so).
    `tight` is `short` for a place with little room: "11-22 kW". `pauses`: at times there may be too little for this
    car as well; `waits`: now already. `sentence` says when which figure holds, `reason` what sets the lower one, `note`
    what was assumed; "" when there is nothing to say. `limited`: what sets it is not the charger itself.
    """

    range: str
    reason: str
    at_most: bool
    pauses: bool
    waits: bool
    short: str
    tight: str
    sentence: str
    note: str
    limited: bool


def power_words(expectation: Expectation | None) -> PowerWords | None:
    """None when nothing can be said, or nothing may be promised because the charger cannot be used."""
    return _power_words(expectation, language()) if expectation is not None else None


@lru_cache(maxsize=4096)
def _power_words(expectation: Expectation, _language: str) -> PowerWords | None:
    """Kept, because a board asks for the words of every bay with every change of one."""
    now, full, at_most = expectation.now, expectation.full, expectation.at_most
    least, most = full.kw, now.kw
    if least is None or most is None or _senseless(now):
        return None
    pauses = now.pauses or full.pauses
    if at_most or least >= most:
        span = tight = kilowatts(most)
    else:
        span = _("%(least)s to %(most)s", least=figure(least), most=kilowatts(most))
        tight = f"{figure(least)}\N{EN DASH}{kilowatts(most)}"
    decides = full if least < most and not at_most else now
    return PowerWords(
        range=span,
        reason=reason(decides, expectation.assumptions),
        at_most=at_most,
        pauses=pauses,
        waits=now.pauses,
        short=_short(span, now, at_most),
        tight=_short(tight, now, at_most),
        sentence=_sentence(now, full, most, least, at_most),
        note=_note(expectation.assumptions, pauses),
        limited=decides.bound.kind is BoundKind.NODE,
    )


def _senseless(share: Share) -> bool:
    """A connector that by itself gives less than any car takes: a figure of somebody is wrong."""
    return share.pauses and share.bound.kind is BoundKind.CONNECTOR


def _short(span: str, now: Share, at_most: bool) -> str:
    if now.pauses:
        return _("may have to wait its turn")
    return _("up to %(power)s", power=span) if at_most else span


def _sentence(now: Share, full: Share, most: Decimal, least: Decimal, at_most: bool) -> str:
    if now.pauses:
        return _("Not enough for all cars now: yours may have to wait its turn")
    if at_most:
        return _("up to %(power)s", power=kilowatts(most))
    if full.pauses:
        return _("%(power)s now; if all bays fill up, your car may have to wait its turn", power=kilowatts(most))
    if least < most:
        return _("%(now)s now, at least %(full)s if all bays fill up", now=kilowatts(most), full=kilowatts(least))
    return _("%(power)s, also if all bays fill up", power=kilowatts(most))


def reason(share: Share, assumptions: frozenset[Assumption] = frozenset()) -> str:
    """What sets the figure, to stand after a colon. Names of fuses stay out: they are the electrician's."""
    bound = share.bound
    if bound.kind is BoundKind.CONNECTOR:
        return _("the most that this charger gives")
    if bound.kind is not BoundKind.NODE or bound.limit_amperes is None:
        return ""
    said = _node(bound, amperes(bound.limit_amperes))
    if not bound.reserved_amperes:
        return said
    kept = amperes(bound.reserved_amperes)
    if Assumption.OFFLINE_RESERVED in assumptions:
        return _("%(limit)s, %(kept)s of it kept for others", limit=said, kept=kept)
    return _("%(limit)s, %(kept)s of it kept for the building", limit=said, kept=kept)


def _node(bound: Bound, limit: str) -> str:
    shared = bound.sharers > 1
    match bound.node_kind:
        case NodeKind.FUSE if shared:
            return _("shared fuse of %(limit)s", limit=limit)
        case NodeKind.FUSE:
            return _("fuse of %(limit)s", limit=limit)
        case NodeKind.STATION if shared:
            return _("the bays of this charger share %(limit)s", limit=limit)
        case NodeKind.STATION:
            return _("this charger is limited to %(limit)s", limit=limit)
    if shared:
        return _("shared limit of %(limit)s", limit=limit)
    return _("limit of %(limit)s", limit=limit)


def _note(assumptions: frozenset[Assumption], pauses: bool) -> str:
    """The one assumption that matters most to a driver; those that only lower the figure are not worth a sentence."""
    if Assumption.NO_TREE in assumptions or Assumption.NOT_IN_TREE in assumptions:
        return _("Other cars may leave less.")
    if assumptions & {Assumption.TREE_INCOMPLETE, Assumption.LIMIT_NOT_KNOWN, Assumption.LOAD_NOT_KNOWN}:
        return _("Not all fuses are known, so it may be less.")
    if Assumption.USE_ASSUMED in assumptions and not pauses:
        return _("Bays without news count as charging.")
    return ""


def figure(value: Decimal) -> str:
    """A figure with one decimal, and with none when it is a whole one. Rounded down before, so that it stays true."""
    return number(value, 0 if value == value.to_integral_value() else 1)


def kilowatts(power: Decimal) -> str:
    return f"{figure(power)}{NBSP}kW"


def amperes(current: Decimal) -> str:
    return f"{figure(current)}{NBSP}A"
