"""Which site wants to be read now: boards that somebody looks at, fuse trees, and the make of chargers.

A site is watched while a page listens to, or glances at, its topic. However many do, it is read once. With an
operator's token the states of a site come in one read. Without it, and for chargers which that view does not show, the
public cards are read one by one, and a third of their budget is left to the drivers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import inf

from kiosk.domain.charger import AHEAD
from kiosk.domain.commands import Refusal
from kiosk.domain.sighting import NEVER
from kiosk.engine.context import Context
from kiosk.engine.sites.facts import Makes, Trees
from kiosk.engine.sites.pictures import PictureWatch
from kiosk.engine.sites.plan import SitePlan
from kiosk.engine.sites.states import Bays
from kiosk.news.live import site_topic
from kiosk.upstream.plugchoice.budget import WINDOW, Endpoint

CARD_EVERY = timedelta(seconds=25)
CARD_FALLBACK = timedelta(seconds=45)
"""A card that the operator's view should have refreshed long ago: the public one is better than an old one."""
PRICE_FALLBACK = timedelta(minutes=4)
"""The same for a price. That view reads those of two hundred chargers in two minutes."""
LOOK_EVERY = timedelta(seconds=3)
"""How often the cards of a site are looked through that should be fresh without us."""
UNKNOWN_EVERY = timedelta(minutes=10)
"""A code without public charging is asked for seldom."""

Job = tuple[str, Callable[[], None]]
"""A mark, of which one at a time may run, and what is to be done."""

_PART_OF_A_TURN = 0.999
"""What is earned towards the next turn is not lost because the engine looks a moment late."""
STATES, PRICES, TREE = "site states", "site prices", "site tree"
MAKES, PICTURES = "site makes", "site pictures"


class SiteWatch:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._bays = None if context.operator is None else Bays(context, context.operator)
        self._trees = None if context.pilot is None else Trees(context, context.pilot)
        self._makes = None if context.lab is None else Makes(context, context.lab)
        self._pictures = None if context.pictures is None else PictureWatch(context, context.pictures)
        self._settled = False
        self._turns = _Turns()
        self._since: dict[str, datetime] = {}
        self._looked: dict[str, datetime] = {}
        self._asked: dict[str, datetime] = {}

    def forget_times(self) -> None:
        """The clock was set back: times of before say nothing any more."""
        for part in (self._bays, self._trees, self._makes, self._pictures):
            if part is not None:
                part.forget_times()
        self._turns = _Turns()
        self._since.clear()
        self._looked.clear()
        self._asked.clear()

    def jobs(self, now: datetime) -> tuple[list[Job], timedelta]:
        """What should be done now, to be run one at a time per mark, and how long until there may be more."""
        self._forget_others()
        found: list[Job] = []
        waits = [timedelta(minutes=1)]
        if self._bays is not None:
            seen = [plan for plan in self._watched(now) if plan.plugchoice_site is not None]
            plan, wait = self._bays.due_states(now, seen)
            if plan is not None:
                found.append((STATES, partial(self._bays.read_states, plan)))
            uuids, pause = self._bays.due_prices(now, seen)
            if uuids:
                found.append((PRICES, partial(self._bays.read_prices, uuids, seen)))
            waits += [wait, pause]
        if self._trees is not None:
            plan, wait = self._trees.due(now)
            if plan is not None:
                found.append((TREE, partial(self._trees.read, plan)))
            waits.append(wait)
        if self._makes is not None:
            wait = self._makes.due_in(now)
            if wait <= timedelta(0):
                found.append((MAKES, self._makes.read))
            waits.append(wait)
        if self._pictures is not None:
            wait = self._pictures.due_in(now)
            if wait <= timedelta(0):
                found.append((PICTURES, self._pictures.read))
            waits.append(wait)
        return found, max(timedelta(seconds=1), min(waits))

    def cards(self, now: datetime, free: int, most: float = inf) -> list[str]:
        """Codes whose public cards should be read now, at most `most`, oldest first.

        `free` is what is left of the budget for charger reads. Every code that is returned counts as read.
        """
        watched = self._watched(now)
        limit = self._context.budgets.limit(Endpoint.GET_CHARGER)
        for_drivers = -(-limit // 3)
        if not watched or most <= 0 or free <= for_drivers:
            return []
        codes = sum(len(plan.codes) for plan in watched if not self._has_operator(plan))
        turns = self._turns.left(now, limit - for_drivers, codes)
        room = int(min(turns, free - for_drivers, most))
        chosen = self._oldest(watched, now)[:room] if room > 0 else []
        self._turns.took(len(chosen))
        self._asked.update(dict.fromkeys(chosen, now))
        return chosen

    # Inside

    def _forget_others(self) -> None:
        """Once, when this process begins to lead: what was learned of places that it is no longer told to ask."""
        if self._settled:
            return
        for plan in self._context.sites:
            self._context.store.forget_tree_of_another(plan.id, plan.chargepilot_site)
        if self._makes is None:
            self._context.store.keep_lab_facts(())
        self._settled = True

    def _watched(self, now: datetime) -> list[SitePlan]:
        live = self._context.live
        watched = [plan for plan in self._context.sites if live.watched(site_topic(plan.id))]
        self._since = {plan.id: self._since.get(plan.id, now) for plan in watched}
        return watched

    def _has_operator(self, plan: SitePlan) -> bool:
        return self._bays is not None and plan.plugchoice_site is not None

    def _oldest(self, watched: Sequence[SitePlan], now: datetime) -> list[str]:
        """The codes whose card is too old, the oldest first; after them those of which only the price is. What was
        asked in vain takes its place at the end.
        """
        states: list[tuple[datetime, str]] = []
        prices: list[tuple[datetime, str]] = []
        for plan in watched:
            longest = CARD_EVERY
            operator = self._has_operator(plan)
            if operator:
                looked = self._looked.get(plan.id, self._since[plan.id])
                if now - self._since[plan.id] < CARD_FALLBACK or timedelta(0) < now - looked < LOOK_EVERY:
                    continue
                self._looked[plan.id] = now
                longest = CARD_FALLBACK
            # Before that the operator's view may still be reading what grew old while nobody looked.
            settled = now - self._since[plan.id] >= PRICE_FALLBACK
            for code, (seen, priced, asked) in self._ages(plan.codes, now).items():
                if now - max(seen, asked) >= longest:
                    states.append((max(seen, asked), code))
                elif operator and (settled or priced == NEVER) and now - max(priced, asked) >= PRICE_FALLBACK:
                    prices.append((max(priced, asked), code))
        return [code for _, code in (*sorted(states), *sorted(prices))]

    def _ages(self, codes: Collection[str], now: datetime) -> dict[str, tuple[datetime, datetime, datetime]]:
        """When the states and the price of each were last seen, and when it was last asked for; without those that are
        no chargers as far as we know.
        """
        cards = self._context.store.cards(list(codes))
        never = now - timedelta(days=1)
        ages = {}
        for code in codes:
            card = cards.get(code)
            seen, priced = (card.seen_at, card.priced_at or card.seen_at) if card is not None else (never, never)
            seen, priced = (at if at <= now + AHEAD else never for at in (seen, priced))
            asked = self._asked.get(code, never)
            if now - asked >= CARD_EVERY and min(seen, priced) < asked and self._unknown(code, now):
                continue
            ages[code] = seen, priced, asked
        return ages

    def _unknown(self, code: str, now: datetime) -> bool:
        problem = self._context.store.card_problem(code)
        return (
            problem is not None and problem[0] is Refusal.UNKNOWN_CHARGER and -AHEAD <= now - problem[1] < UNKNOWN_EVERY
        )


class _Turns:
    """Reads of public cards, as evenly as the budget's window wants them.

    A read gives its place back after a whole window, so a burst now is a gap in a minute, in which every card of the
    burst grows old. Saved up are therefore only as many turns as the chargers do not need in each window.
    """

    def __init__(self) -> None:
        self._saved: float | None = None
        self._at: datetime | None = None

    def left(self, now: datetime, a_window: int, chargers: int) -> float:
        most = float(max(1, a_window - chargers))
        if self._saved is None or self._at is None:
            self._saved = most
        else:
            earned = max(timedelta(0), now - self._at) / WINDOW * a_window
            self._saved = min(most + _PART_OF_A_TURN, self._saved + earned)
        self._at = now
        return self._saved

    def took(self, turns: int) -> None:
        self._saved = (self._saved or 0.0) - turns
