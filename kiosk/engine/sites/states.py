"""The bays of watched sites by the operator's view: one read shows the states of a whole site, prices and what flows at
a bay come one by one.

Nothing is asked for a site that nobody watches, and many who watch cost no more than one.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from kiosk.domain.charger import Connector, Drawn, charger_is_out
from kiosk.domain.sighting import Price, Sighting, drawn_of
from kiosk.domain.site_board import ChargerRef, Listing, PublicCharging, SiteConnector
from kiosk.engine.context import Context, Health
from kiosk.engine.sites.pace import Pace, why
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import charger_topic
from kiosk.upstream.errors import BudgetSpent, Refused, UpstreamError
from kiosk.upstream.plugchoice.operator import PAGE_SIZE, PlugchoiceOperator

log = logging.getLogger(__name__)

STATES_EVERY = timedelta(seconds=15)
"""Four times within the minute after which a state is called old."""
PAGES_SHARE = 4
"""A quarter of the operator's requests."""
PRICE_EVERY = timedelta(minutes=1)
PRICES_A_MINUTE = 100
PRICES_AT_ONCE = 10
STRANGERS_EVERY = timedelta(minutes=10)
"""A charger without public charging, or of another kiosk, may become one of ours."""
ROSTER_EVERY = timedelta(minutes=2)
"""Whether a charger is blocked stands in the list of chargers alone."""
LONGEST_PAUSE = timedelta(minutes=5)
_BETWEEN_PRICES = timedelta(seconds=5)
"""After a failure; otherwise only the number a minute counts."""
DRAWN_EVERY, DRAWN_IN_VAIN = timedelta(minutes=1), timedelta(minutes=10)
"""How often a bay is asked what flows there, and one that has told nothing that counts."""
DRAWN_SHARE = 10
"""A tenth of the operator's requests: it betters an estimate, no more."""
DRAWN_AT_ONCE = 5
LOGGED_AFTER = 3
"""Prices that could not be read in a row: before that it may be one charger's own trouble."""
_OF_ONE_CHARGER = frozenset({400, 403, 404, 410, 422})
_MINUTE = timedelta(minutes=1)


_Bay = tuple[str, int]
"""A charger's uuid and the number of its connector."""
_CHARGES = "Charging"


@dataclass(frozen=True)
class _Known:
    """What the settings of a charger said. `answered` and without a code of ours, it is a stranger."""

    asked_at: datetime
    answered: bool
    code: str | None = None
    price: Price | None = None


@dataclass(frozen=True)
class _Charger:
    online: bool | None
    connectors: tuple[Connector, ...]
    out: bool | None = None


@dataclass(frozen=True)
class _States:
    """The last listing of a site, by the uuid of its chargers."""

    at: datetime
    pages: int
    chargers: Mapping[str, _Charger]


@dataclass
class _Roster:
    """What the list of a site's chargers says besides their connectors: uuids by the other names of a charger, for
    entries that do not have one, and by uuid whether its operator has blocked it.
    """

    read_at: datetime | None = None
    uuids: dict[int | str, str] = field(default_factory=dict)
    blocked: dict[str, bool | None] = field(default_factory=dict)
    failing: bool = False


class Bays:
    """`read_*` ask outside, one of each kind at a time; `due_*` only decide."""

    def __init__(self, context: Context, operator: PlugchoiceOperator) -> None:
        self._context = context
        self._operator = operator
        self._health = {plan.id: Health(f"Plugchoice's operator view (site {plan.id})") for plan in context.sites}
        self._prices_health = Health("Plugchoice's operator view (prices)")
        self._lock = Lock()
        self._paces: dict[str, Pace] = {plan.id: Pace(LONGEST_PAUSE) for plan in context.sites}
        self._prices_pace = Pace(LONGEST_PAUSE)
        self._states: dict[str, _States] = {}
        self._rosters: dict[str, _Roster] = {}
        self._known: dict[str, _Known] = {}
        self._asked: deque[datetime] = deque()
        self._drawn_pace = Pace(LONGEST_PAUSE)
        self._drawn_due: dict[_Bay, datetime] = {}
        """When a bay that charges may be asked again what flows there."""
        self._drawn_asked: deque[datetime] = deque()
        self._drawn: dict[_Bay, Drawn] = {}

    # What is due

    def due_states(self, now: datetime, watched: Sequence[SitePlan]) -> tuple[SitePlan | None, timedelta]:
        """The watched site that waits longest for a read, and how long until the next one is due."""
        with self._lock:
            pages = sum(self._states[plan.id].pages if plan.id in self._states else 1 for plan in watched)
        interval = max(STATES_EVERY, _MINUTE * pages / max(1, self._operator.per_minute // PAGES_SHARE))
        return soonest([(self._paces[plan.id].due_in(now, interval), plan) for plan in watched])

    def due_prices(self, now: datetime, watched: Sequence[SitePlan]) -> tuple[list[str], timedelta]:
        """Chargers whose settings should be read now, unknown and oldest first, and how long until there are some."""
        pause = self._prices_pace.due_in(now, _BETWEEN_PRICES if self._prices_pace.failures else timedelta(0))
        if pause > timedelta(0):
            return [], pause
        ours = {code for plan in watched for code in plan.codes}
        with self._lock:
            while self._asked and self._asked[0] <= now - _MINUTE:
                self._asked.popleft()
            room = PRICES_A_MINUTE - len(self._asked)
            if room <= 0:
                return [], self._asked[0] + _MINUTE - now
            uuids = {uuid for plan in watched if plan.id in self._states for uuid in self._states[plan.id].chargers}
            waits = sorted((self._wait(uuid, ours, now), uuid) for uuid in uuids)
        due = [uuid for wait, uuid in waits if wait <= timedelta(0)]
        return due[: min(room, PRICES_AT_ONCE)], waits[0][0] if waits else _MINUTE

    def due_drawn(self, now: datetime, watched: Sequence[SitePlan]) -> tuple[list[_Bay], timedelta]:
        """Bays where somebody charges, and of which it should be asked now how much; and how long until there are some.

        Only where a fuse tree makes it matter to the next driver. Each becomes due as it is seen to charge.
        """
        pause = self._drawn_pace.due_in(now, _BETWEEN_PRICES if self._drawn_pace.failures else timedelta(0))
        with self._lock:
            charging = {
                (uuid, connector.connector_id)
                for plan in watched
                if plan.chargepilot_site is not None and plan.id in self._states
                for uuid, charger in self._states[plan.id].chargers.items()
                if self._code_of(uuid) in plan.codes and charger.online
                for connector in charger.connectors
                if connector.status == _CHARGES
            }
            self._drawn_due = {bay: self._drawn_due.get(bay, now) for bay in charging}
            self._drawn = {bay: drawn for bay, drawn in self._drawn.items() if bay in charging}
            while self._drawn_asked and self._drawn_asked[0] <= now - _MINUTE:
                self._drawn_asked.popleft()
            room = max(1, self._operator.per_minute // DRAWN_SHARE) - len(self._drawn_asked)
            waits = sorted((due - now, bay) for bay, due in self._drawn_due.items())
        if not waits:
            return [], _MINUTE
        if pause > timedelta(0) or room <= 0:
            return [], max(pause, self._drawn_asked[0] + _MINUTE - now if room <= 0 else pause)
        due = [bay for wait, bay in waits if wait <= timedelta(0)]
        return due[: min(room, DRAWN_AT_ONCE)], max(waits[0][0], timedelta(0))

    def _code_of(self, uuid: str) -> str | None:
        known = self._known.get(uuid)
        return known.code if known is not None else None

    def _wait(self, uuid: str, ours: set[str], now: datetime) -> timedelta:
        known = self._known.get(uuid)
        if known is None:
            return -STRANGERS_EVERY
        stranger = known.answered and known.code not in ours
        return known.asked_at + (STRANGERS_EVERY if stranger else PRICE_EVERY) - now

    # What is asked outside

    def read_states(self, plan: SitePlan) -> None:
        """Bring the cards of a site up to date. After a failure they keep what they have, and grow old."""
        pace = self._paces[plan.id]
        pace.note_tried(self._context.clock.now())
        try:
            listing = self._operator.site_connectors(plan.plugchoice_site or "")
            chargers = self._by_uuid(plan, listing)
        except UpstreamError as error:
            self._failed(pace, error, self._health[plan.id])
            return
        pace.worked()
        self._health[plan.id].answered()
        with self._lock:
            pages = len(listing.entries) // PAGE_SIZE + 1
            self._states[plan.id] = _States(listing.asked_at, pages, chargers)
        self._save(plan, chargers)

    def read_prices(self, uuids: Iterable[str], watched: Sequence[SitePlan]) -> None:
        """Read the settings of these chargers: their public codes, prices and holds."""
        pace = self._prices_pace
        told = []
        for uuid in uuids:
            now = self._context.clock.now()
            pace.note_tried(now)
            try:
                settings = self._operator.public_charging(uuid)
            except BudgetSpent as spent:
                self._failed(pace, spent, self._prices_health)
                break  # it was not asked, so it keeps its turn
            except UpstreamError as error:
                refused = isinstance(error, Refused) and error.status in _OF_ONE_CHARGER
                self._learn(uuid, now, None, answered=refused)
                if refused:
                    continue
                self._failed(pace, error, self._prices_health, patience=LOGGED_AFTER)
                break
            pace.worked()
            self._prices_health.answered()
            self._learn(uuid, now, settings, answered=True)
            told.append(uuid)
        for plan in watched:
            self._save(plan, told)

    def read_drawn(self, bays: Iterable[_Bay], watched: Sequence[SitePlan]) -> None:
        """Ask what flows at these bays. Those that a session of this kiosk keeps are left out: it knows of them."""
        pace = self._drawn_pace
        kept = self._context.store.occupied_at([code for plan in watched for code in plan.codes])
        told: set[str] = set()
        for uuid, number in bays:
            now = self._context.clock.now()
            with self._lock:
                code = self._code_of(uuid) or ""
                self._drawn_due[uuid, number] = now + DRAWN_EVERY
            if number in kept.get(code, {}):
                continue
            pace.note_tried(now)
            try:
                usage = self._operator.power_usage(uuid, number)
            except UpstreamError as error:
                if isinstance(error, Refused) and error.status in _OF_ONE_CHARGER:
                    self._note_drawn((uuid, number), now, None)
                    continue
                pace.failed(self._context.clock.now(), error)  # no page needs it: nobody is told
                break
            pace.worked()
            self._note_drawn((uuid, number), now, drawn_of(usage, now))
            told.add(uuid)
        for plan in watched:
            self._save(plan, told)

    def _note_drawn(self, bay: _Bay, at: datetime, drawn: Drawn | None) -> None:
        with self._lock:
            self._drawn_asked.append(at)
            if drawn is None:
                self._drawn_due[bay] = at + DRAWN_IN_VAIN
            else:
                self._drawn[bay] = drawn

    # Inside

    def _failed(self, pace: Pace, error: UpstreamError, health: Health, patience: int = 1) -> None:
        now = self._context.clock.now()
        pace.failed(now, error)
        if not isinstance(error, BudgetSpent) and pace.failures >= patience:
            health.failed(now, why(error, "is KIOSK_PLUGCHOICE_TOKEN right?"))

    def _learn(self, uuid: str, at: datetime, settings: PublicCharging | None, *, answered: bool) -> None:
        """It was asked. It keeps its code while its settings cannot be read, and when it is closed to the public."""
        with self._lock:
            self._asked.append(at)
            before = self._known.get(uuid)
            code = before.code if before is not None else None
            price = before.price if before is not None else None
            if settings is not None:
                code = settings.public_code.upper() if settings.public_code is not None else code
                price = _price(settings, at)
            self._known[uuid] = _Known(at, answered, code, price)

    def _save(self, plan: SitePlan, uuids: Iterable[str]) -> None:
        """Write what is known of these chargers into their cards, and tell who looks at those that changed."""
        sightings = []
        with self._lock:
            states = self._states.get(plan.id)
            for uuid in uuids:
                known = self._known.get(uuid)
                charger = states.chargers.get(uuid) if states is not None else None
                if known is None or known.code not in plan.codes or states is None or charger is None:
                    continue
                seen = tuple(replace(c, drawn=self._drawn.get((uuid, c.connector_id))) for c in charger.connectors)
                sightings.append(Sighting(known.code, charger.online, seen, known.price, states.at, charger.out))
        if not sightings:
            return
        for code in self._context.store.save_sightings(sightings, self._context.clock.now()):
            self._context.news.publish(charger_topic(code))

    def _by_uuid(self, plan: SitePlan, listing: Listing[SiteConnector]) -> dict[str, _Charger]:
        """The listing's chargers. One that cannot be told from others is on no map, and left out."""
        self._read_roster(plan)
        roster = self._rosters.get(plan.id, _Roster())
        found: dict[str, _Charger] = {}
        for entry in listing.entries:
            uuid = _uuid(entry.charger, roster)
            if uuid is None:
                continue
            before = found.get(uuid, _Charger(None, ()))
            online = entry.charger.online if before.online is None else before.online
            # The list of connectors knows the charger's own word, that of chargers also whether it is blocked.
            out = charger_is_out(entry.charger.status, blocked=roster.blocked.get(uuid))
            found[uuid] = _Charger(online, (*before.connectors, entry.connector), out)
        return found

    def _read_roster(self, plan: SitePlan) -> None:
        """While that fails, the names of the last roster are used, and a charger that is not in it is left out."""
        now = self._context.clock.now()
        roster = self._rosters.get(plan.id)
        if roster is not None and roster.read_at is not None and now - roster.read_at < ROSTER_EVERY:
            return
        try:
            listing = self._operator.site_chargers(plan.plugchoice_site or "")
        except UpstreamError as error:
            known = roster or _Roster()
            if not known.failing:
                said = {"site": plan.id, "reason": str(error)}
                log.warning("the list of a site's chargers cannot be read", extra=said)
            self._rosters[plan.id] = replace(known, read_at=now, failing=True)
            return
        uuids: dict[int | str, str] = {}
        for each in listing.entries:
            names = (name for name in (each.ref.id, each.ref.identity) if name is not None)
            uuids.update((name, each.ref.uuid) for name in names if each.ref.uuid is not None)
        blocked = {each.ref.uuid: each.blocked for each in listing.entries if each.ref.uuid is not None}
        self._rosters[plan.id] = _Roster(now, uuids, blocked)


def soonest(waits: Sequence[tuple[timedelta, SitePlan]]) -> tuple[SitePlan | None, timedelta]:
    """The plan with the shortest wait when that is over, and that wait."""
    if not waits:
        return None, _MINUTE
    wait, plan = min(waits, key=lambda each: each[0])
    return (plan if wait <= timedelta(0) else None), wait


def _uuid(ref: ChargerRef, roster: _Roster) -> str | None:
    if ref.uuid is not None:
        return ref.uuid
    names = (name for name in (ref.id, ref.identity) if name is not None)
    return next((roster.uuids[name] for name in names if name in roster.uuids), None)


def _price(settings: PublicCharging, at: datetime) -> Price | None:
    """What a charge costs; nothing is sold when it is closed. None when the settings do not say."""
    if settings.enabled is False:
        return Price(None, None, at)
    if settings.tariff is None or not settings.preauth_minor:
        return None
    return Price(settings.tariff, settings.preauth_minor, at)
