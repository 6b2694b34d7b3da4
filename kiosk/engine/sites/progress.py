"""Reads how far all charges of a site are in one list, instead of asking for each session: needs the operator's token.

It does not grow with the sessions, nor with the pages that are open. What it tells are estimates
(`kiosk.domain.progress`); when it shows that something has changed, the session itself is read at once. Where the list
tells no energy of a charge, the meter of its connector is asked, as far as the budget goes.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from kiosk.domain.matching import SLACK, running_matches
from kiosk.domain.progress import Progress, disagrees, heard, joined
from kiosk.domain.session import Session
from kiosk.domain.site_board import Listing, SiteTransaction
from kiosk.domain.status import Group
from kiosk.engine.context import Context, Health
from kiosk.engine.crew import Crew
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.sites.codes import PublicCodes
from kiosk.engine.sites.pace import Pace, why
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import session_topic
from kiosk.store.errors import CannotWrite
from kiosk.upstream.errors import BudgetSpent, UpstreamError
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=10)
LISTS_SHARE, METERS_SHARE = 4, 2
"""A quarter and a half of the operator's requests. The rest is for boards, prices and the operator's own chargers."""
MOST = 1000
"""Transactions that are read at once."""
LANES = 3
"""Sites that are read at the same time: one that hangs keeps the others waiting no longer than that."""
LONGEST_PAUSE = timedelta(minutes=5)
METER_EVERY, METER_UNWATCHED = timedelta(seconds=15), timedelta(seconds=60)
METER_IN_VAIN = timedelta(minutes=5)
"""How often a meter is asked whose figure does not agree with the session's either."""
FRUITLESS = 3
METERS_AT_ONCE = 10
_A_WHILE = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_SITE, _METERS = "site progress:", "site meters"


class SiteProgress(Duty):
    """Sites in turn, the longest unread first; each fails alone, and then its sessions are read as without a token."""

    name = "site progress"

    def __init__(self, context: Context, crew: Crew, sessions: OpenSessions, codes: PublicCodes) -> None:
        self._context = context
        self._crew = crew
        self._sessions = sessions
        self._codes = codes
        self._plans = [plan for plan in context.sites if plan.plugchoice_site is not None]
        self._paces = {plan.id: Pace(LONGEST_PAUSE) for plan in self._plans}
        self._health = {
            plan.id: Health(f"Plugchoice's list of running charges (site {plan.id})") for plan in self._plans
        }
        self._pages = {plan.id: 1 for plan in self._plans}
        self._meters_pace = Pace(LONGEST_PAUSE)
        self._lock = Lock()
        self._charges: dict[str, tuple[str, SiteTransaction]] = {}
        """By session key: the site whose list had it last, and its transaction."""
        self._by_meter: set[str] = set()
        self._metered: dict[str, datetime] = {}
        self._in_vain: dict[str, int] = {}
        self._told: set[str] = set()
        """Sessions that were read because of a change which the list has shown."""
        self._asked: deque[datetime] = deque()

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - whatever the time
        self._sessions.know_progress(self._context.store.all_progress())

    def jobs(self, now: datetime) -> Jobs:
        operator = self._context.operator
        if operator is None or not self._plans:
            return Jobs()
        running = [session for session in self._sessions.all() if session.facts.group is Group.RUNNING]
        if not running:
            return Jobs()
        found: list[Job] = []
        wait = EVERY
        interval = max(EVERY, _MINUTE * sum(self._pages.values()) / max(1, operator.per_minute // LISTS_SHARE))
        here = {session.code for session in running}
        elsewhere = here - {code for plan in self._plans for code in plan.codes}
        due = sorted(
            (self._paces[plan.id].due_in(now, interval), plan.id, plan)
            for plan in self._plans
            if elsewhere or here.intersection(plan.codes)
        )
        lanes = self._crew.lanes(_SITE, LANES)
        for due_in, site, plan in due:
            if due_in > timedelta(0) or len(found) >= lanes:
                wait = min(wait, max(due_in, _A_WHILE))
            elif not self._crew.busy(_SITE + site):
                run = partial(self._read, operator, plan)
                found.append(Job(_SITE + site, run, pool=Pool.SITES, about={"site": site}))
        meters = (
            self._due_meters(running, now, operator.per_minute // METERS_SHARE) if not self._crew.busy(_METERS) else []
        )
        if meters:
            found.append(Job(_METERS, partial(self._read_meters, operator, meters), pool=Pool.SITES))
        return Jobs(tuple(found), _A_WHILE if self._by_meter else wait)

    # --- on a worker

    def _read(self, operator: PlugchoiceOperator, plan: SitePlan) -> None:
        context, pace = self._context, self._paces[plan.id]
        pace.note_tried(context.clock.now())
        sessions = {one.key: one for one in self._sessions.all() if one.facts.group in {Group.PREPARING, Group.RUNNING}}
        since = min((one.charging_started_at or one.requested_at for one in sessions.values()), default=None)
        if since is None:
            return
        try:
            site = plan.plugchoice_site or ""
            listing = operator.site_transactions(site, "active", started_from=since - SLACK, limit=MOST)
        except UpstreamError as error:
            pace.failed(context.clock.now(), error)
            if not isinstance(error, BudgetSpent):
                self._health[plan.id].failed(context.clock.now(), why(error, "is KIOSK_PLUGCHOICE_TOKEN right?"))
            return
        pace.worked()
        self._health[plan.id].answered()
        self._pages[plan.id] = listing.pages
        bays = {one.connector_id for one in sessions.values()}
        candidates = [one for one in listing.entries if one.connector_id in bays]
        charges = running_matches(sessions.values(), candidates, self._codes.of(operator, candidates))
        self._look(plan, listing, sessions, charges)

    def _look(
        self,
        plan: SitePlan,
        listing: Listing[SiteTransaction],
        sessions: Mapping[str, Session],
        charges: Mapping[str, SiteTransaction],
    ) -> None:
        """What the list says of these sessions, and which of them it shows to have changed."""
        news: dict[str, Progress] = {}
        for key, transaction in charges.items():
            with self._lock:
                self._charges[key] = plan.id, transaction
                metered = key in self._by_meter
                if sessions[key].facts.group is Group.RUNNING:
                    self._told.discard(key)
            session, before = sessions[key], self._sessions.progress(key)
            if session.facts.group is Group.PREPARING:
                self._turn(key)
                continue
            after = heard(
                before, session, transaction.id, None if metered else transaction.reported_kwh, listing.asked_at
            )
            if after is not None and after != before:
                news[key] = after
            compared = session.fresh_at is not None and listing.asked_at >= session.fresh_at
            if compared and disagrees(session, after):
                with self._lock:
                    self._by_meter.add(key)
        if listing.complete:
            with self._lock:
                known = [key for key, (site, _) in self._charges.items() if site == plan.id]
            for key in known:
                if key not in charges and key in sessions:
                    self._turn(key)
        self._keep(news)

    def _due_meters(self, running: Sequence[Session], now: datetime, most: int) -> list[str]:
        """Whose meters are asked now: the longest due first, those that somebody watches before the others."""
        watched = self._context.news.watched
        with self._lock:
            while self._asked and self._asked[0] <= now - _MINUTE:
                self._asked.popleft()
            room = min(most - len(self._asked), METERS_AT_ONCE)
            alive = {session.key for session in running}
            self._by_meter &= alive
            self._metered = {key: at for key, at in self._metered.items() if key in alive}
            self._in_vain = {key: count for key, count in self._in_vain.items() if key in alive}
            waits: list[tuple[float, str]] = []
            for key in self._by_meter:
                target = METER_EVERY if watched(session_topic(key)) else METER_UNWATCHED
                target = METER_IN_VAIN if self._in_vain.get(key, 0) >= FRUITLESS else target
                last = self._metered.get(key)
                waits.append((1e9 if last is None else (now - last) / target, key))
        if room <= 0 or self._meters_pace.due_in(now, timedelta(0)) > timedelta(0):
            return []
        return [key for waited, key in sorted(waits, reverse=True)[:room] if waited >= 1]

    def _read_meters(self, operator: PlugchoiceOperator, keys: Sequence[str]) -> None:
        context, pace = self._context, self._meters_pace
        news: dict[str, Progress] = {}
        for key in keys:
            now = context.clock.now()
            session = self._sessions.one(key)
            with self._lock:
                _, transaction = self._charges.get(key, ("", None))
                self._metered[key] = now
            uuid = transaction.charger.uuid if transaction is not None and transaction.charger is not None else None
            if session is None or transaction is None or uuid is None or transaction.connector_id is None:
                continue
            pace.note_tried(now)
            try:
                reading = operator.latest_meter(uuid, transaction.connector_id)
            except UpstreamError as error:
                pace.failed(context.clock.now(), error)
                if isinstance(error, BudgetSpent):
                    break
                self._note_meter(key, now, useful=False)
                continue
            pace.worked()
            before = self._sessions.progress(key)
            after = heard(before, session, transaction.id, transaction.energy_kwh(reading.register_wh), now)
            self._note_meter(key, now, useful=after is not None and after.agreed_at is not None)
            if after is not None and after != before:
                news[key] = after
        self._keep(news)

    def _note_meter(self, key: str, at: datetime, *, useful: bool) -> None:
        with self._lock:
            self._asked.append(at)
            self._in_vain[key] = 0 if useful else self._in_vain.get(key, 0) + 1

    def _turn(self, key: str) -> None:
        """Something about this session has changed: read it at once, and only once for each change."""
        with self._lock:
            if key in self._told:
                return
            self._told.add(key)
        with suppress(CannotWrite):
            self._context.store.hint(key, self._context.clock.now())

    def _keep(self, news: Mapping[str, Progress]) -> None:
        over = self._sessions.forget_progress()
        open_ones = {session.key for session in self._sessions.all()}
        with self._lock:
            self._charges = {key: one for key, one in self._charges.items() if key in open_ones}
            self._told &= open_ones
        self._sessions.know_progress(news)
        with suppress(CannotWrite):  # the engine goes by what it has in memory; pages keep what they have
            self._context.store.save_progress(news, over)
        shown = [
            session_topic(key)
            for key, progress in news.items()
            if (session := self._sessions.one(key)) is not None and joined(session, progress) is not session
        ]
        self._context.news.publish(*shown)
