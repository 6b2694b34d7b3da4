"""Looks for the charger's own transaction of each charge that has ended: its meter stands belong on the receipt.

Needs the operator's token and a site. One read of a site serves all of its charges; who is not found soon is looked for
more and more seldom, and a day later no more. Nothing waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.matching import SLACK, matches, may_be
from kiosk.domain.session import Session
from kiosk.domain.site_board import Listing, SiteTransaction
from kiosk.engine.context import Context, Health, about
from kiosk.engine.crew import Crew
from kiosk.engine.duty import NOTHING_SOON, Duty, Job, Jobs, Pool
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.sites.codes import PublicCodes
from kiosk.engine.sites.pace import Pace, why
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import session_topic
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator

log = logging.getLogger(__name__)

LOOKED_FOR = timedelta(days=1)
PATIENCE = (5, 20, 60, 300, 1800, 7200, 21600)
"""Seconds from one look at a site for a charge to the next."""
LOOK_EVERY = timedelta(minutes=1)
"""How often the store is asked for charges without stands, when none has just ended or been found."""
SOON = timedelta(seconds=PATIENCE[0])
BETWEEN = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=10)
MOST = 1000
"""Transactions that are read at once, the newest ones."""
_MARK = "meter stands"


class MeterStands(Duty):
    """One site at a time; each fails alone."""

    name = "meter stands"

    def __init__(self, context: Context, crew: Crew, sessions: OpenSessions, codes: PublicCodes) -> None:
        self._context = context
        self._crew = crew
        self._sessions = sessions
        self._paces = {plan.id: Pace(LONGEST_PAUSE) for plan in context.sites}
        self._health = {
            plan.id: Health(f"Plugchoice's list of transactions (site {plan.id})") for plan in context.sites
        }
        self._wanted: list[Session] = []
        self._looked: datetime | None = None
        self._ended = 0
        self._tries: dict[str, int] = {}
        self._due: dict[str, datetime] = {}
        self._codes = codes

    def jobs(self, now: datetime) -> Jobs:
        operator = self._context.operator
        plans = [plan for plan in self._context.sites if plan.plugchoice_site is not None]
        if operator is None or not plans:
            return Jobs()
        ended = self._sessions.ended
        if self._looked is None or now - self._looked >= LOOK_EVERY or ended != self._ended:
            self._wanted = self._context.store.without_meter_stand(now - LOOKED_FOR)
            self._looked, self._ended = now, ended
            keys = {one.key for one in self._wanted}
            self._tries = {key: count for key, count in self._tries.items() if key in keys}
            self._due = {key: at for key, at in self._due.items() if key in keys}
        if self._wanted and not self._crew.busy(_MARK):
            for plan in plans:
                here = [one for one in self._wanted if one.code in plan.codes]
                due = [one for one in here if self._due.get(one.key, now) <= now]
                if due and self._paces[plan.id].due_in(now, BETWEEN) <= timedelta(0):
                    self._note_tried(due, now)
                    run = partial(self._read, operator, plan, here)
                    return Jobs((Job(_MARK, run, pool=Pool.SITES, about={"site": plan.id}),), SOON)
        return Jobs(wait=SOON if self._wanted else NOTHING_SOON)

    def _note_tried(self, due: Iterable[Session], now: datetime) -> None:
        for one in due:
            tries = self._tries.get(one.key, 0)
            self._tries[one.key] = tries + 1
            self._due[one.key] = now + timedelta(seconds=PATIENCE[min(tries, len(PATIENCE) - 1)])

    # --- on a worker

    def _read(self, operator: PlugchoiceOperator, plan: SitePlan, wanted: Sequence[Session]) -> None:
        context, pace = self._context, self._paces[plan.id]
        pace.note_tried(context.clock.now())
        since = min(one.requested_at for one in wanted) - SLACK
        try:
            site = plan.plugchoice_site or ""
            listing = operator.site_transactions(site, "finished", started_from=since, limit=MOST)
        except UpstreamError as error:
            pace.failed(context.clock.now(), error)
            self._health[plan.id].failed(context.clock.now(), why(error, "is KIOSK_PLUGCHOICE_TOKEN right?"))
            return
        pace.worked()
        self._health[plan.id].answered()
        known = _reached(wanted, listing)
        candidates = [one for one in listing.entries if any(may_be(session, one) for session in known)]
        taken = context.store.taken_transactions([one.id for one in candidates])
        codes = self._codes.of(operator, candidates)
        found = matches(known, candidates, codes, taken)
        if not found:
            return
        new = set(context.store.save_meter_stands(found, context.clock.now()))
        for session in (one for one in known if one.key in new):
            log.info("the charger's own transaction was found", extra=about(session))
            context.news.publish(session_topic(session.key))
        self._looked = None


def _reached(sessions: Iterable[Session], listing: Listing[SiteTransaction]) -> list[Session]:
    """Those whose time is in the list: one that was cut off says nothing of what is older than its last entry."""
    if listing.complete:
        return list(sessions)
    oldest = min((one.started_at for one in listing.entries if one.started_at is not None), default=None)
    return [one for one in sessions if oldest is not None and one.requested_at - SLACK >= oldest]
