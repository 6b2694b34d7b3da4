"""Writes the tables of each month to the operator's place, each night: a month of one site at a time.

Nothing is remembered but in the store: a kill in the middle begins that month anew, and every file is put there under
the same name again.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from kiosk.domain.nightly import months_due
from kiosk.engine.context import Context
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.engine.sites.plan import SitePlan
from kiosk.upstream.shelf.monthly import NightlyPlan, put_month
from kiosk.upstream.shelf.shelf import why_not

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=1)


class WriteMonths(Duty):
    """What could not be written is tried again, later and later, and the store keeps since when."""

    name = "nightly tables"
    beat = LOOK_EVERY

    def __init__(self, context: Context) -> None:
        self._context = context

    def jobs(self, now: datetime) -> Jobs:
        plan = self._context.nightly
        if plan is None:
            return Jobs()
        for site in self._context.sites:
            known = {one.month: one for one in self._context.store.nightly.months(site.id)}
            for month in months_due(known, now, ZoneInfo(site.timezone)):
                run = partial(self._write, plan, site, month)
                return Jobs((Job("nightly", run, pool=Pool.TABLES, about={"site": site.id}),))
        return Jobs()

    # --- on a worker

    def _write(self, plan: NightlyPlan, site: SitePlan, month: date) -> None:
        store, clock = self._context.store, self._context.clock
        began = clock.now()
        said = {"site": site.id, "month": f"{month:%Y-%m}"}
        try:
            files = put_month(plan, site.id, month, began)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again, and a person hears of it
            why = why_not(error)
            store.nightly.note_failed(site.id, month, why, clock.now())
            log.warning("the tables of a month were not written", extra={**said, "why": why.value})
            return
        store.nightly.note_written(site.id, month, began)
        log.info("the tables of a month were written", extra={**said, "files": files})
