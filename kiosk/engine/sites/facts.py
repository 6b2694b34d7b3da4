"""What changes seldom: fuse trees from ChargePilot, and the make of chargers from OCPPLAB.

The last good answer stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from kiosk.domain.fuses import FuseTree, spots
from kiosk.domain.lab import LabFacts
from kiosk.engine.context import Context, Health
from kiosk.engine.sites.pace import Pace, why
from kiosk.engine.sites.plan import SitePlan
from kiosk.engine.sites.states import soonest
from kiosk.news.news import site_topic
from kiosk.store.records import SeenTree
from kiosk.upstream.chargepilot.client import ChargePilot
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.ocpplab.client import Ocpplab
from kiosk.upstream.ocpplab.reading import LabCharger

TREE_EVERY = timedelta(minutes=1)
"""While somebody looks at the site. ChargePilot publishes no limits; once a minute is what it can be asked safely."""
TREE_EVERY_UNWATCHED = timedelta(minutes=15)
BELIEVED_AFTER = timedelta(days=1)
"""A tree that says much less than the one before may be a fault over there; after a day it is how things are."""
FACTS_EVERY = timedelta(days=1)
FACTS_AGAIN = timedelta(minutes=5)
_LONGEST_FACTS_PAUSE = timedelta(hours=6)


class Trees:
    """One tree at a time is under way."""

    def __init__(self, context: Context, pilot: ChargePilot) -> None:
        self._context = context
        self._pilot = pilot
        self._plans = [plan for plan in context.sites if plan.chargepilot_site is not None]
        self._health = {plan.id: Health(f"ChargePilot (site {plan.id})") for plan in self._plans}
        self._known: dict[str, SeenTree | None] = {}
        self._paces: dict[str, Pace] = {}

    def due(self, now: datetime) -> tuple[SitePlan | None, timedelta]:
        """The site whose tree should be read now, and how long until there is one."""
        news = self._context.news
        waits = []
        for plan in self._plans:
            interval = TREE_EVERY if news.watched(site_topic(plan.id)) else TREE_EVERY_UNWATCHED
            waits.append((self._pace(plan).due_in(now, interval), plan))
        return soonest(waits)

    def read(self, plan: SitePlan) -> None:
        pace, health = self._pace(plan), self._health[plan.id]
        pace.note_tried(self._context.clock.now())
        failure: UpstreamError | None = None
        try:
            tree = self._pilot.site(plan.chargepilot_site or "").tree
        except UpstreamError as error:
            failure, tree = error, None
        now = self._context.clock.now()
        known = self._known[plan.id]
        if tree is None or (known is not None and _says_less(tree, known, now)):
            pace.failed(now, failure)
            reason = "an answer without a usable tree"
            hint = "the clock, the key, the secret or KIOSK_CHARGEPILOT_PATH is wrong"
            health.failed(now, reason if failure is None else why(failure, hint))
            return
        pace.worked()
        health.answered()
        self._context.store.save_tree(plan.id, tree, now, plan.chargepilot_site)
        self._known[plan.id] = SeenTree(tree, now)
        if known is None or known.tree != tree:
            self._context.news.publish(site_topic(plan.id))

    def _pace(self, plan: SitePlan) -> Pace:
        """The first time it is taken up where an earlier life of this process left it."""
        if plan.id not in self._paces:
            known = self._context.store.tree(plan.id)
            self._known[plan.id] = known
            self._paces[plan.id] = Pace(TREE_EVERY_UNWATCHED, None if known is None else known.seen_at)
        return self._paces[plan.id]


class Makes:
    """Name, picture and make of the chargers, once a day for all sites together."""

    def __init__(self, context: Context, lab: Ocpplab) -> None:
        self._context = context
        self._lab = lab
        self._health = Health("OCPPLAB")
        self._pace = Pace(_LONGEST_FACTS_PAUSE)

    def due_in(self, now: datetime) -> timedelta:
        if not any(plan.codes for plan in self._context.sites):
            return FACTS_EVERY
        return self._pace.due_in(now, FACTS_AGAIN if self._pace.failures else FACTS_EVERY)

    def read(self) -> None:
        clock = self._context.clock
        self._pace.note_tried(clock.now())
        try:
            chargers = self._lab.all_chargers()
        except UpstreamError as error:
            now = clock.now()
            self._pace.failed(now, error)
            self._health.failed(now, why(error, "is KIOSK_OCPPLAB_TOKEN right?"))
            return
        self._pace.worked()
        self._health.answered()
        self._save(chargers, clock.now())

    def _save(self, chargers: Sequence[LabCharger], now: datetime) -> None:
        """The listing is whole: what is not in it is not there any more."""
        store, sites = self._context.store, self._context.sites
        known = store.lab_facts([code for plan in sites for code in plan.codes])
        told: dict[str, LabFacts] = {}
        for plan in sites:
            for code in plan.codes:
                facts = _facts(code, plan.lab_ids.get(code), chargers)
                if facts is not None:
                    told[code] = facts
        changed = {code for code in known.keys() | told.keys() if known.get(code) != told.get(code)}
        for code in changed & told.keys():
            store.save_lab_facts(code, told[code], now)
        store.keep_lab_facts(told)
        for plan in sites:
            if not changed.isdisjoint(plan.codes):
                self._context.news.publish(site_topic(plan.id))


def _facts(code: str, lab_id: str | None, chargers: Iterable[LabCharger]) -> LabFacts | None:
    """Of the charger with that id or identity; without one, of the charger whose identity is the public code."""
    for charger in chargers:
        if lab_id in (charger.id, charger.identity) if lab_id is not None else (charger.identity or "").upper() == code:
            return charger.facts
    return None


def _says_less(tree: FuseTree, known: SeenTree, now: datetime) -> bool:
    if now - known.seen_at >= BELIEVED_AFTER:
        return False
    lost_a_part = known.tree.complete and not tree.complete
    return lost_a_part or (_has_connectors(known.tree) and not _has_connectors(tree))


def _has_connectors(tree: FuseTree) -> bool:
    return any(spot.node.connectors for spot in spots(tree))
