"""The power that each bay can expect, kept: worked out once per change of a site, for any number of readers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from kiosk.clock import Clock
from kiosk.config.sites import Site, SiteBook
from kiosk.domain.charger import ChargerCard
from kiosk.domain.expectation import Assumption, BoundKind, Expectation, Place, Share
from kiosk.domain.power import contradicts, expected_power
from kiosk.news.kept import Kept
from kiosk.news.news import News, charger_topic, site_topic
from kiosk.service.power import Shelf, powered, site_power

KEEP_SECONDS = 2.0
"""For so long an answer is given out again without a read of the store, unless there is news of a charger."""
LATE_SECONDS = 10.0
"""While somebody else works the new answer out, the last one will do for so long."""
NEARLY = Decimal("0.95")
"""A car that draws this part of what its bay gives takes about all of it."""

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What each bay of a site can expect, and all that it was worked out from. `failed`: it could not be."""

    expectations: Mapping[Place, Expectation]
    facts: tuple[object, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that a charging car gets at its bay now, as it was worked out. `assumed` is in a fixed order. `reached`:
    the car takes about all of it.
    """

    share: Share
    assumed: tuple[Assumption, ...]
    reached: bool = False


class Powers:
    """Expectations by site. Safe to use from many threads; `worked_out` counts the computations."""

    def __init__(
        self, shelf: Shelf, news: News, clock: Clock, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._shelf, self._news, self._clock = shelf, news, clock
        self._answers: Kept[str, _Answer] = Kept(news, clock, monotonic=monotonic)
        self.worked_out = 0

    def of(self, site: Site) -> Mapping[Place, Expectation]:
        """What each bay of the site can expect, by what is stored; those never read are missing. Counts as watching.

        Never raises: what cannot be worked out is left out, because paying and charging work without it.
        """
        if site.chargepilot_site is not None:
            # Without a fuse tree nobody's power depends on the neighbours, and nobody has to be asked about them.
            self._news.glance(site_topic(site.id))
        topics = site_topic(site.id), *(charger_topic(one.code) for one in site.chargers)
        rate = self._clock.rate
        answer = self._answers.of(
            site.id,
            topics,
            lambda last: self._work_out(site, last),
            lambda _: KEEP_SECONDS * rate,
            late=LATE_SECONDS * rate,
        )
        return answer.expectations

    def at(self, card: ChargerCard, book: SiteBook) -> Mapping[int, Expectation]:
        """The same for one charger, by connector. One that belongs to no site is worked out alone."""
        site = book.site_of(card.code)
        if site is not None:
            return {place.connector_id: one for place, one in self.of(site).items() if place.code == card.code}
        alone = powered(card, None, self._shelf.lab_facts([card.code]).get(card.code), ())
        return {place.connector_id: one for place, one in expected_power(None, [alone], self._clock.now()).items()}

    def ceiling(self, code: str, connector_id: int, book: SiteBook) -> Ceiling | None:
        """None when nothing can be said, a meter there contradicts the estimate, or the charger belongs to no site."""
        site = book.site_of(code)
        found = self.of(site).get(Place(code, connector_id)) if site is not None else None
        if found is None or found.now.kw is None or is_implausible(found.now):
            return None
        if Assumption.SHARED_OTHERWISE in found.assumptions:
            return None
        return Ceiling(found.now, tuple(sorted(found.assumptions)))

    def _work_out(self, site: Site, last: _Answer | None) -> _Answer:
        """A failure is logged once until it works again, however often the site is asked for."""
        now = self._clock.now()
        try:
            power = site_power(site, self._shelf, now)
            facts = power.facts(now)
            if last is not None and not last.failed and last.facts == facts:
                return last
            self.worked_out += 1
            return _Answer(power.expectations(now), facts)
        except Exception:  # noqa: BLE001 - a tree of any shape must not take the pages down
            if last is None or not last.failed:
                _log.exception("expected power could not be worked out", site=site.id)
            return _Answer({}, failed=True)


def beside_measured(ceiling: Ceiling | None, measured_kw: Decimal | None) -> Ceiling | None:
    """The ceiling as it may be said beside what the meter says; None when that is clearly more: the estimate is wrong.

    No figure of it ever stands below the measured one.
    """
    if ceiling is None or measured_kw is None:
        return ceiling
    kw = ceiling.share.kw
    if kw is None or contradicts(measured_kw, kw):
        return None
    return replace(ceiling, reached=measured_kw > 0 and measured_kw >= kw * NEARLY)


def is_implausible(share: Share) -> bool:
    """A connector that by itself gives less than any car takes: somebody's figure is wrong."""
    return share.pauses and share.bound.kind is BoundKind.CONNECTOR
