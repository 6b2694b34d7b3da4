"""The public cards of watched boards: for sites without an operator's token, and for chargers which that view does not
show. They are read one by one, and a third of their budget is left to the drivers. Those of sites that nobody watches
are read at a slow beat, so that whoever comes first finds states.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.sighting import NEVER
from kiosk.engine.context import WHILE_RESTING, Context
from kiosk.engine.crew import Crew
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.engine.reading import read_card
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import site_topic
from kiosk.upstream.plugchoice.budget import WINDOW, Endpoint

AT_ONCE = 2
CARD_EVERY = timedelta(seconds=25)
CARD_FALLBACK = timedelta(seconds=45)
"""A card that the operator's view should have refreshed long ago: the public one is better than an old one."""
PRICE_FALLBACK = timedelta(minutes=4)
"""The same for a price. That view reads those of two hundred chargers in two minutes."""
QUIET_EVERY = timedelta(seconds=50)
"""A card of a site that nobody watches, so that the first look at its page is not a look at nothing."""
QUIET_PAUSE = timedelta(seconds=6)
"""Between two of those: ten a minute at most for all of them, and only what nobody else wants."""
LOOK_EVERY = timedelta(seconds=3)
"""How often the cards are looked through that should be fresh without us, and those of sites that nobody watches."""

_MARK = "board:"
_LEAST_FOR_QUIET = 20
"""A smaller budget is left to those who wait."""
_PART_OF_A_TURN = 0.999
"""What is earned towards the next turn is not lost because the engine looks a moment late."""


class BoardCards(Duty):
    """After everything that a driver waits for."""

    name = "board cards"

    def __init__(self, context: Context, crew: Crew) -> None:
        self._context = context
        self._crew = crew
        self._turns = _Turns()
        self._since: dict[str, datetime] = {}
        self._looked: dict[str, datetime] = {}
        self._asked: dict[str, datetime] = {}
        self._quiet_at: datetime | None = None
        self._quiet_looked: datetime | None = None

    def jobs(self, now: datetime) -> Jobs:
        if not self._context.sites:
            return Jobs()
        watched = self._watched(now)
        if self._context.health.resting(now):
            return Jobs(wait=WHILE_RESTING)
        endpoint = Endpoint.GET_CHARGER
        free, most = self._crew.free(endpoint, now), self._crew.lanes(_MARK, AT_ONCE)
        codes = self._codes(watched, now, free, most) or self._quiet(watched, now, free, most)
        return Jobs(
            tuple(
                Job(_MARK + code, partial(read_card, self._context, code), endpoint, Pool.SITES, {"code": code})
                for code in codes
            )
        )

    def _codes(self, watched: Sequence[SitePlan], now: datetime, free: int, most: int) -> list[str]:
        """Codes whose public cards should be read now, at most `most`, oldest first.

        `free` is what is left of the budget for charger reads. Every code that is returned counts as read.
        """
        limit = self._context.budgets.limit(Endpoint.GET_CHARGER)
        for_drivers = -(-limit // 3)
        if not watched or most <= 0 or free <= for_drivers:
            return []
        codes = sum(len(plan.codes) for plan in watched if not self._has_operator(plan))
        turns = self._turns.left(now, limit - for_drivers, codes)
        room = int(min(turns, free - for_drivers, most))
        chosen = self._oldest(watched, now)[:room] if room > 0 else []
        self._turns.spend(len(chosen))
        self._asked.update(dict.fromkeys(chosen, now))
        return chosen

    def _quiet(self, watched: Sequence[SitePlan], now: datetime, free: int, most: int) -> list[str]:
        """The oldest card of the sites that nobody watches, while more than half of the budget is free."""
        limit = self._context.budgets.limit(Endpoint.GET_CHARGER)
        if most <= 0 or free <= limit / 2 or limit < _LEAST_FOR_QUIET:
            return []
        if self._quiet_at is not None and timedelta(0) <= now - self._quiet_at < QUIET_PAUSE:
            return []
        if self._quiet_looked is not None and timedelta(0) <= now - self._quiet_looked < LOOK_EVERY:
            return []
        seen = {plan.id for plan in watched}
        quiet = [plan for plan in self._context.sites if plan.id not in seen and not self._has_operator(plan)]
        ages = self._ages([code for plan in quiet for code in plan.codes], now)
        old = sorted((max(at, asked), code) for code, (at, _priced, asked) in ages.items())
        if not old or now - old[0][0] < QUIET_EVERY:
            self._quiet_looked = now
            return []
        self._quiet_at = now
        self._asked[old[0][1]] = now
        return [old[0][1]]

    def _watched(self, now: datetime) -> list[SitePlan]:
        news = self._context.news
        watched = [plan for plan in self._context.sites if news.watched(site_topic(plan.id))]
        self._since = {plan.id: self._since.get(plan.id, now) for plan in watched}
        return watched

    def _has_operator(self, plan: SitePlan) -> bool:
        return self._context.operator is not None and plan.plugchoice_site is not None

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
                looked = self._looked.get(plan.id)
                just_looked = looked is not None and now - looked < LOOK_EVERY
                if just_looked or now - self._since[plan.id] < CARD_FALLBACK:
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
        """When the states and the price of each were last seen, and when it was last asked for; without those that
        could not be read a short time ago.
        """
        cards = self._context.store.cards(list(codes))
        problems = self._context.store.card_problems(list(codes))
        never = now - timedelta(days=1)
        ages = {}
        for code in codes:
            card = cards.get(code)
            seen, priced = (card.seen_at, card.priced_at or card.seen_at) if card is not None else (never, never)
            asked = self._asked.get(code, never)
            if code in problems and now < problems[code].again_at(known=True):
                continue
            ages[code] = seen, priced, asked
        return ages


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

    def spend(self, turns: int) -> None:
        self._saved = (self._saved or 0.0) - turns
