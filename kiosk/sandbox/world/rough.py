"""A rough site by chance: the stand-in does what real sites do now and then. Seeded, under the world's clock.

Trouble     what can be rough; of the site as a whole for as long as it is on, or of one session
RoughSite   deals the troubles out: each session has at most one of its own, and all have been dealt after one deck

Every trouble is also a switch or a hand of the world (see `world.py`, `switches.py`, `faults.py`), for tests that want
exactly this one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from kiosk.sandbox.world import sessions as states
from kiosk.sandbox.world.agenda import Agenda
from kiosk.sandbox.world.backoffice import BackOffice
from kiosk.sandbox.world.chargers import Charger, Pricing
from kiosk.sandbox.world.faults import Faults, Kind, Rule
from kiosk.sandbox.world.line import Delays, Line
from kiosk.sandbox.world.sessions import Session
from kiosk.sandbox.world.site import Site
from kiosk.sandbox.world.traffic import Limits

INTERVALS = (300.0, 60.0, 10.0, 900.0, 30.0, 120.0)  # seconds between two samples, charger by charger
SLOW = Delays(before=(0.0, 3.0), after=(0.0, 2.0), often=0.3)
FOREIGN_SHARE = 0.25
HALF_FIELDS = ("energy_kwh", "pricing", "connector_status", "charger.name", "amount_authorized")


class Trouble(StrEnum):
    # of the site
    RARE_METERS = "rare_meters"
    SLOW_LINE = "slow_line"
    FIXED_WINDOW = "fixed_window"
    OTHERS = "others"
    # of one session
    NULL_ENERGY = "null_energy"
    ABSURD_READING = "absurd_reading"
    METER_BACK = "meter_back"
    TIMER = "timer"
    PAUSE = "pause"
    LATE_PLUG = "late_plug"
    IGNORED_STOP = "ignored_stop"
    REFUSED_STOP = "refused_stop"
    SLIP = "slip"
    LONG_WAIT = "long_wait"
    HALF_ANSWER = "half_answer"
    HALF_START = "half_start"
    HALF_END = "half_end"
    STRANGE_WORD = "strange_word"
    STRANGE_END = "strange_end"
    LOST_WEBHOOK = "lost_webhook"
    NEW_PRICE = "new_price"
    FULL_HOUR = "full_hour"

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def of_site(self) -> bool:
        return self in OF_SITE


OF_SITE = (Trouble.RARE_METERS, Trouble.SLOW_LINE, Trouble.FIXED_WINDOW, Trouble.OTHERS)
OF_SESSION = tuple(each for each in Trouble if each not in OF_SITE)
_WORDS = {
    Trouble.RARE_METERS: "meters told rarely, each charger in its own interval",
    Trouble.SLOW_LINE: "a line that is late now and then, by up to 5 s",
    Trouble.FIXED_WINDOW: "limits in fixed minutes",
    Trouble.OTHERS: "others at our address, who take a quarter of each limit",
    Trouble.NULL_ENERGY: "energy null while the cost rises",
    Trouble.ABSURD_READING: "one absurd reading",
    Trouble.METER_BACK: "a meter that runs backwards once",
    Trouble.TIMER: "a car that waits for its timer",
    Trouble.PAUSE: "load management pauses the bay",
    Trouble.LATE_PLUG: "the cable comes late, and the handshake is slow",
    Trouble.IGNORED_STOP: "stops that are ignored",
    Trouble.REFUSED_STOP: "a stop that is refused once",
    Trouble.SLIP: "404 in a slip, to reads and to a stop",
    Trouble.LONG_WAIT: "429 with a long Retry-After",
    Trouble.HALF_ANSWER: "fields missing or null in reads",
    Trouble.HALF_START: "a start without what a payment needs",
    Trouble.HALF_END: "the last word before its amounts",
    Trouble.STRANGE_WORD: "a strange word while charging",
    Trouble.STRANGE_END: "a strange word after settling",
    Trouble.LOST_WEBHOOK: "Stripe's webhooks of one session lost",
    Trouble.NEW_PRICE: "price and hold change before the start",
    Trouble.FULL_HOUR: "a charger that has had its sessions of this hour",
}


class RoughSite:
    """Not thread-safe: the world's one lock guards it. `played` counts what has really happened."""

    def __init__(
        self,
        agenda: Agenda,
        site: Site,
        office: BackOffice,
        limits: Limits,
        line: Line,
        late: dict[tuple[str, int], float],
        faults: Faults,
        rng: random.Random,
        tell: Callable[[str, int | None, str], None],
    ) -> None:
        self._agenda, self._site, self._office = agenda, site, office
        self._limits, self._line, self._late = limits, line, late
        self._faults, self._rng, self._tell = faults, rng, tell
        self._usual = (limits.window, limits.foreign_share, line.delays)
        self._deck: list[Trouble | None] = []
        self._of: dict[str, Trouble] = {}
        self._dealt: Trouble | None = None
        self._rules: list[tuple[Trouble, Rule]] = []
        self._prices: dict[str, tuple[Pricing, int]] = {}  # price and hold before they were changed
        self.on: set[Trouble] = set()
        self.played: Counter[Trouble] = Counter()
        office.before_start = self._before_start

    # --- on and off

    def turn_on(self, trouble: Trouble) -> None:
        if trouble in self.on:
            return
        self.on.add(trouble)
        self._deck.clear()
        if trouble is Trouble.RARE_METERS:
            for place, view in enumerate(list(self._site.views())):
                self._site.charger(view.spec.code).meter_interval = INTERVALS[place % len(INTERVALS)]
        elif trouble is Trouble.SLOW_LINE:
            self._line.delays = SLOW
        elif trouble is Trouble.FIXED_WINDOW:
            self._limits.window = "fixed"
        elif trouble is Trouble.OTHERS:
            self._limits.foreign_share = FOREIGN_SHARE
        if trouble.of_site:
            self.played[trouble] += 1

    def turn_off(self, trouble: Trouble) -> None:
        """From now on as usual; what waits to happen to one session does not happen any more."""
        self.on.discard(trouble)
        window, share, delays = self._usual
        chargers = [self._site.charger(view.spec.code) for view in list(self._site.views())]
        if trouble is Trouble.RARE_METERS:
            for charger in chargers:
                charger.meter_interval = charger.spec.meter_interval
        elif trouble is Trouble.SLOW_LINE:
            self._line.delays = delays
        elif trouble is Trouble.FIXED_WINDOW:
            self._limits.window = window
        elif trouble is Trouble.OTHERS:
            self._limits.foreign_share = share
        elif trouble is Trouble.NEW_PRICE:
            for code, (price, hold) in self._prices.items():
                self._site.set_pricing(code, price, hold)
            self._prices.clear()
        for charger in chargers:
            if trouble is Trouble.NULL_ENERGY:
                charger.hides_energy = False
            elif trouble is Trouble.HALF_END:
                charger.amounts_after = None
            elif trouble is Trouble.STRANGE_WORD:
                charger.words.pop(states.CHARGING, None)
            elif trouble is Trouble.STRANGE_END:
                charger.words.pop(states.CAPTURED, None)
            elif trouble is Trouble.IGNORED_STOP:
                charger.ignore_stops = 0
            elif trouble is Trouble.REFUSED_STOP:
                charger.refuse_stops = 0
        for cause, rule in self._rules:
            if cause is trouble:
                self._faults.drop(rule)
        self._rules = [(cause, rule) for cause, rule in self._rules if cause is not trouble]

    # --- dealing

    def _deal(self) -> Trouble | None:
        if not self._deck:
            deck: list[Trouble | None] = [each for each in OF_SESSION if each in self.on]
            deck += [None] * (len(deck) // 4)
            self._rng.shuffle(deck)
            self._deck = deck
        return self._deck.pop() if self._deck else None

    def _before_start(self, charger: Charger, connector_id: int) -> None:
        """A start is about to be taken: what it has to suffer, and what is rough before there is a session."""
        self._dealt = trouble = self._deal()
        if trouble is Trouble.NEW_PRICE:
            price, hold = self._prices.setdefault(charger.spec.code, (charger.pricing, charger.spec.preauth_amount))
            changed = replace(price, price_per_kwh=max(1, price.price_per_kwh + self._rng.choice((-5, 7, 12))))
            self._site.set_pricing(charger.spec.code, changed, hold + self._rng.choice((0, 1000)))
            self._happened(trouble, charger.spec.code, connector_id)
        elif trouble is Trouble.FULL_HOUR:
            self._office.hours.use_up(charger.spec.code, self._agenda.now, self._rng.uniform(120, 420))
            self._happened(trouble, charger.spec.code, connector_id)
        elif trouble is Trouble.HALF_START:  # of the next start: this one's answer is chosen already
            fields = self._rng.choice((("payment",), ("payment.client_secret",), ("pricing",)))
            self._wire(trouble, Rule(self._rng.choice((Kind.MISSING, Kind.NULLS)), "start", fields=fields))
            self._happened(trouble, charger.spec.code, connector_id)

    def session_changed(self, session: Session) -> None:
        place = (session.code, session.connector_id)
        trouble = self._of.get(session.token)
        if session.status == states.CREATED:
            trouble, self._dealt = self._dealt, None
            if trouble is None or trouble in (Trouble.NEW_PRICE, Trouble.FULL_HOUR, Trouble.HALF_START):
                return
            self._of[session.token] = trouble
            if trouble is Trouble.LATE_PLUG:
                self._late[place] = self._rng.uniform(60, 125)
                self._site.connector(*place).handshake = self._rng.uniform(5, 25)
            elif trouble is Trouble.LOST_WEBHOOK:
                self._office.deaf_to.add(session.token)
        elif trouble is None:
            return
        elif trouble is Trouble.LOST_WEBHOOK and session.status == states.AUTHORIZED:
            self._happened(trouble, *place)
            del self._of[session.token]
        elif session.status == states.CHARGING:
            del self._of[session.token]
            self._strike(trouble, session)
        elif session.status in states.ENDED:  # never charged: somebody else has it
            del self._of[session.token]
            self._deck.append(trouble)

    def _strike(self, trouble: Trouble, session: Session) -> None:
        """A session is charging now. What is to come soon comes soon, so that a short charge meets it too."""
        if trouble not in self.on:
            return
        place, rng = (session.code, session.connector_id), self._rng
        charger = self._site.charger(session.code)
        if trouble is Trouble.NULL_ENERGY:
            charger.hides_energy = True
            self._agenda.after(900, lambda: setattr(charger, "hides_energy", False))
        elif trouble is Trouble.ABSURD_READING:
            if rng.random() < 0.5:
                self._wire(trouble, Rule(Kind.ENERGY_ABSURD, "session"))
            else:
                self._soon(session, lambda: self._site.report_absurd(*place, 4_076_400))
        elif trouble is Trouble.METER_BACK:
            if rng.random() < 0.5:
                self._wire(trouble, Rule(Kind.ENERGY_FALLS, "session"))
            else:
                self._soon(session, lambda: self._site.turn_meter_back(*place))
        elif trouble is Trouble.TIMER:
            self._site.let_wait(*place, rng.uniform(300, 1500))
        elif trouble is Trouble.PAUSE:
            seconds = rng.uniform(240, 900)
            self._soon(session, lambda: self._site.pause(*place, seconds))
        elif trouble is Trouble.IGNORED_STOP:
            charger.ignore_stops += rng.randint(1, 2)
        elif trouble is Trouble.REFUSED_STOP:
            charger.refuse_stops += 1
        elif trouble is Trouble.SLIP:
            self._wire(trouble, Rule(Kind.TOKEN_EXPIRED, "session", times=2))
            self._wire(trouble, Rule(Kind.TOKEN_EXPIRED, "stop"))
        elif trouble is Trouble.LONG_WAIT:
            endpoint, seconds = rng.choice((("stop", 3600), ("session", 90), ("charger", 120), ("cancel", 3600)))
            self._wire(trouble, Rule(Kind.TOO_MANY, endpoint, retry_after=seconds))
        elif trouble is Trouble.HALF_ANSWER:
            fields = tuple(rng.sample(HALF_FIELDS, 3))
            kind = rng.choice((Kind.MISSING, Kind.NULLS))
            self._wire(trouble, Rule(kind, "session", times=3, fields=fields))
        elif trouble is Trouble.HALF_END:
            charger.amounts_after = rng.uniform(10, 300)
            self._agenda.after(3600, lambda: setattr(charger, "amounts_after", None))
        elif trouble is Trouble.STRANGE_WORD:
            charger.words[states.CHARGING] = "optimising"
            self._agenda.after(rng.uniform(60, 240), lambda: self._say_again(charger, states.CHARGING))
        elif trouble is Trouble.STRANGE_END:
            charger.words[states.CAPTURED] = "archived"
            self._agenda.after(3600, lambda: self._say_again(charger, states.CAPTURED))
        self._happened(trouble, *place)

    def _say_again(self, charger: Charger, status: str) -> None:
        charger.words.pop(status, None)

    def _soon(self, session: Session, do: Callable[[], None]) -> None:
        """In a moment, if it still charges then."""

        def strike() -> None:
            connector = self._site.connector(session.code, session.connector_id)
            if connector.transaction is not None and connector.transaction.token == session.token:
                do()

        self._agenda.after(self._rng.uniform(20, 90), strike)

    def _wire(self, trouble: Trouble, rule: Rule) -> None:
        self._rules.append((trouble, rule))
        self._faults.add(rule)

    def _happened(self, trouble: Trouble, code: str, connector_id: int) -> None:
        self.played[trouble] += 1
        self._tell(code, connector_id, f"rough: {trouble.words}")
