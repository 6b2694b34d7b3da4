"""What a site wants to be asked now: boards that are watched, fuse trees, the make of chargers, pictures.

A site is watched while a page listens to, or glances at, its topic. However many do, it is read once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from kiosk.engine.context import Context
from kiosk.engine.duty import NOTHING_SOON, Duty, Job, Jobs, Pool
from kiosk.engine.sites.facts import Makes, Trees
from kiosk.engine.sites.pictures import PictureWatch
from kiosk.engine.sites.states import Bays
from kiosk.news.news import site_topic
from kiosk.store.errors import CannotWrite

STATES, PRICES, TREE = "site states", "site prices", "site tree"
DRAWN = "site drawn"
MAKES, PICTURES = "site makes", "site pictures"
_SHORTEST_WAIT = timedelta(seconds=1)


class Sites(Duty):
    """One read of each kind at a time."""

    name = "sites"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._bays = None if context.operator is None else Bays(context, context.operator)
        self._trees = None if context.pilot is None else Trees(context, context.pilot)
        self._makes = None if context.lab is None else Makes(context, context.lab)
        self._pictures = None if context.pictures is None else PictureWatch(context, context.pictures)

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - whatever the time
        """Forget what was learned of places that the kiosk is no longer told to ask."""
        with suppress(CannotWrite):  # whoever leads once it can write does it
            for plan in self._context.sites:
                self._context.store.forget_tree_of_another(plan.id, plan.chargepilot_site)
            if self._makes is None:
                self._context.store.keep_lab_facts(())

    def jobs(self, now: datetime) -> Jobs:
        found: list[Job] = []
        waits = [NOTHING_SOON]
        if self._bays is not None:
            news = self._context.news
            plans = [plan for plan in self._context.sites if plan.plugchoice_site is not None]
            watched = [plan for plan in plans if news.watched(site_topic(plan.id))]
            plan, wait = self._bays.due_states(now, watched)
            if plan is not None:
                found.append(_job(STATES, partial(self._bays.read_states, plan), plan.id))
            uuids, pause = self._bays.due_prices(now, watched)
            if uuids:
                found.append(_job(PRICES, partial(self._bays.read_prices, uuids, watched)))
            bays, rest = self._bays.due_drawn(now, watched)
            if bays:
                found.append(_job(DRAWN, partial(self._bays.read_drawn, bays, watched)))
            waits += [wait, pause, rest]
        if self._trees is not None:
            plan, wait = self._trees.due(now)
            if plan is not None:
                found.append(_job(TREE, partial(self._trees.read, plan), plan.id))
            waits.append(wait)
        if self._makes is not None:
            wait = self._makes.due_in(now)
            if wait <= timedelta(0):
                found.append(_job(MAKES, self._makes.read))
            waits.append(wait)
        if self._pictures is not None:
            wait = self._pictures.due_in(now)
            if wait <= timedelta(0):
                found.append(_job(PICTURES, self._pictures.read))
            waits.append(wait)
        return Jobs(tuple(found), max(_SHORTEST_WAIT, min(waits)))


def _job(kind: str, run: Callable[[], None], site: str | None = None) -> Job:
    return Job(kind, run, pool=Pool.SITES, about={"site": site} if site is not None else {})
