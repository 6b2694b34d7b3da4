"""Reads what was charged on a site, day by day, so that it can be compared: at night, again while a day can still
change, and whenever somebody asks.

It takes its turn behind everything else: it begins only while half of the operator's minute is left, and stops reading
before a quarter is. Each page is kept as it comes; a day of which a page failed is tried again, later and later.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from kiosk.domain.desk_search import whole_day
from kiosk.domain.site_board import SiteTransaction
from kiosk.domain.site_days import (
    FIRST,
    ListTrouble,
    SiteDay,
    ToldSum,
    next_read,
    next_try,
    to_read,
    trouble_of,
    wanted_days,
)
from kiosk.engine.context import Context, Health
from kiosk.engine.crew import Crew
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.engine.sites.codes import PublicCodes
from kiosk.engine.sites.pace import Pace, why
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import site_topic
from kiosk.upstream.errors import BudgetSpent, NotSent, UpstreamError
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.period import Period, read_period

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=10)
PLAN_EVERY = timedelta(hours=1)
BETWEEN = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
USUAL = timedelta(days=1)
"""So long before a day its charges may have begun; longer when one is known to run for longer."""
LONGEST_CHARGE = timedelta(days=14)
_MARK = "transactions"


class SiteTransactions(Duty):
    """One list of one site at a time; each site fails alone."""

    name = "transactions"
    beat = LOOK_EVERY

    def __init__(self, context: Context, crew: Crew, codes: PublicCodes) -> None:
        self._context = context
        self._crew = crew
        self._codes = codes
        self._paces = {plan.id: Pace(LONGEST_PAUSE) for plan in context.sites}
        self._health = {plan.id: Health(f"Plugchoice's list of a day (site {plan.id})") for plan in context.sites}
        self._planned: dict[str, datetime] = {}

    def jobs(self, now: datetime) -> Jobs:
        operator = self._context.operator
        if operator is None or self._crew.busy(_MARK) or operator.room() * 2 < operator.per_minute:
            return Jobs()
        for plan in self._context.sites:
            if plan.plugchoice_site is None or self._paces[plan.id].due_in(now, BETWEEN) > timedelta(0):
                continue
            self._note_days(plan, now)
            days = to_read(self._context.store.days_to_read(plan.id, now), now)
            if days:
                run = partial(self._read, operator, plan, days)
                return Jobs((Job(_MARK, run, pool=Pool.SITES, about={"site": plan.id}),))
        return Jobs()

    def _note_days(self, plan: SitePlan, now: datetime) -> None:
        """Days that are over since the last look."""
        planned = self._planned.get(plan.id)
        if planned is not None and now - planned < PLAN_EVERY:
            return
        store, zone = self._context.store, ZoneInfo(plan.timezone)
        first = store.first_session_at(plan.codes)
        since = first.astimezone(zone).date() if first is not None else None
        days = wanted_days(since, now.astimezone(zone).date())
        store.plan_days(
            SiteDay(plan.id, day, next_at=next_read(whole_day(day, zone)[1], None, open_rows=False)) for day in days
        )
        self._planned[plan.id] = now

    # --- on a worker

    def _read(self, operator: PlugchoiceOperator, plan: SitePlan, days: Sequence[SiteDay]) -> None:
        context, pace, zone = self._context, self._paces[plan.id], ZoneInfo(plan.timezone)
        began = context.clock.now()
        pace.note_tried(began)
        since, until = whole_day(days[0].day, zone)[0], whole_day(days[-1].day, zone)[1]
        keep = partial(self._keep, operator, plan)
        try:
            # A transaction may end a moment after its session, and after midnight.
            found = read_period(
                operator, plan.plugchoice_site or "", since, until + FIRST, self._longest(plan, since), keep
            )
        except UpstreamError as error:
            pace.failed(context.clock.now(), error)
            if isinstance(error, NotSent) and error.ours:
                return  # the days are due as before
            self._health[plan.id].failed(context.clock.now(), why(error, "is KIOSK_PLUGCHOICE_TOKEN right?"))
            self._note_failed(plan, days, began, trouble_of(getattr(error, "status", None)))
            return
        pace.worked()
        self._health[plan.id].answered()
        if found.complete:
            self._note_read(plan, days, began, found)
        else:
            self._note_failed(plan, days, began, ListTrouble.CUT)
        said = {"site": plan.id, "first": str(days[0].day), "last": str(days[-1].day), "rows": len(found.transactions)}
        log.info("the transactions of a site were read", extra=said)

    def _longest(self, plan: SitePlan, since: datetime) -> timedelta:
        running = self._context.store.oldest_running(plan.id)
        return USUAL if running is None else min(LONGEST_CHARGE, max(USUAL, since - running))

    def _keep(self, operator: PlugchoiceOperator, plan: SitePlan, page: Sequence[SiteTransaction]) -> None:
        """Raises BudgetSpent once others need what is left of the minute."""
        context = self._context
        if page:
            context.store.keep_transactions(plan.id, page, self._codes.of(operator, page), context.clock.now())
        if operator.room() * 4 < operator.per_minute:
            raise BudgetSpent(timedelta(minutes=1))

    def _note_read(self, plan: SitePlan, days: Sequence[SiteDay], began: datetime, found: Period) -> None:
        rows = len(found.transactions)
        told = ToldSum(days[0].day, days[-1].day, found.total_kwh, found.reported_kwh, rows)
        self._note(
            plan,
            [
                replace(
                    one,
                    read_at=began,
                    tried_at=began,
                    tries=0,
                    trouble=None,
                    told=told,
                    next_at=next_read(ends, began, open_rows=self._is_open(plan, one.day)),
                )
                for one, ends in self._with_ends(plan, days)
            ],
        )

    def _note_failed(self, plan: SitePlan, days: Sequence[SiteDay], began: datetime, trouble: ListTrouble) -> None:
        """What was kept of it stays; when it was read whole before, that still counts."""
        self._note(
            plan,
            [
                replace(
                    one,
                    tried_at=began,
                    tries=one.tries + 1,
                    trouble=trouble,
                    next_at=next_try(began, one.tries + 1) or next_read(ends, began, open_rows=True),
                )
                for one, ends in self._with_ends(plan, days)
            ],
        )

    def _note(self, plan: SitePlan, days: Sequence[SiteDay]) -> None:
        self._context.store.keep_days(days)
        self._context.news.publish(site_topic(plan.id))

    def _with_ends(self, plan: SitePlan, days: Sequence[SiteDay]) -> list[tuple[SiteDay, datetime]]:
        return [(one, whole_day(one.day, ZoneInfo(plan.timezone))[1]) for one in days]

    def _is_open(self, plan: SitePlan, day: date) -> bool:
        return self._context.store.has_open_transactions(plan.id, *whole_day(day, ZoneInfo(plan.timezone)))
