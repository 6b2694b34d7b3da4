"""One driver, who does what drivers do: late with the cable, two taps for one, a lost phone, a start left unpaid."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum

from kiosk.domain.actions import payable
from kiosk.domain.offer import NoOffer, hold_of, limit_choices
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group, Status
from kiosk.domain.terms import asks_consent, terms_now, terms_of
from kiosk.domain.unpaid import NotYet
from kiosk.news.news import session_topic
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.world import World
from kiosk.service import session as asks
from kiosk.service.cards import current_card
from kiosk.service.start import begin, most_kw_at
from kiosk.simulation.process import Process
from kiosk.simulation.stepper import Killed, Stepper
from kiosk.simulation.witness import Witness
from kiosk.store.errors import CannotWrite, Unavailable

GOOD_CARD, DECLINED_CARD = "4242424242424242", "4000000000000002"
TRIES = 40
"""So often somebody reloads a page before they drive on."""
STAYS_AT_MOST = 40 * 60.0


class Goal(StrEnum):
    """How this driver means to end it."""

    STOP = "stops on the page"
    TAP_TWICE = "taps stop twice"
    CABLE = "pulls the cable out"
    CHARGER = "stops at the charger"
    LIMIT = "lets the limit end it"
    STAY = "stays until the car is full"
    CANCEL = "cancels after paying"
    UNPAID = "leaves without paying"
    LATE_CANCEL = "cancels before paying"


@dataclass(frozen=True)
class Plan:
    places: tuple[tuple[str, int], ...]
    """The bays that they try, one after the other."""
    goal: Goal
    seconds: float
    """How long the charge is to last."""
    pays_after: float
    declined_first: bool
    says_paid: bool
    loses_phone: bool
    puts_phone_away: bool
    double_start: bool
    plugs_after: float


def draw_plan(rng: random.Random, places: list[tuple[str, int]]) -> Plan:
    weights = {
        Goal.STOP: 20,
        Goal.TAP_TWICE: 15,
        Goal.CABLE: 15,
        Goal.CHARGER: 8,
        Goal.LIMIT: 17,
        Goal.STAY: 8,
        Goal.CANCEL: 6,
        Goal.UNPAID: 6,
        Goal.LATE_CANCEL: 5,
    }
    return Plan(
        places=tuple(rng.sample(places, 6)),
        goal=rng.choices([*weights], [*weights.values()])[0],
        seconds=rng.uniform(60, 1300),
        pays_after=rng.uniform(4, 70),
        declined_first=rng.random() < 0.12,
        says_paid=rng.random() < 0.85,
        loses_phone=rng.random() < 0.15,
        puts_phone_away=rng.random() < 0.7,
        double_start=rng.random() < 0.3,
        plugs_after=rng.choice((3.0, 3.0, 3.0, 20.0, 20.0, 110.0, 200.0, 3000.0)),
    )


class Driver:
    """`kiosk` gives the process that answers this driver's next request, or None while none does."""

    def __init__(
        self,
        number: int,
        plan: Plan,
        rng: random.Random,
        stepper: Stepper,
        world: World,
        witness: Witness,
        kiosk: Callable[[], Process | None],
        tell: Callable[[str], None],
        died: Callable[[Process], None],
    ) -> None:
        self.number, self.plan, self._rng = number, plan, rng
        self._stepper, self._world, self._witness = stepper, world, witness
        self._kiosk, self._told, self._died = kiosk, tell, died
        self.device = f"phone {number}"
        self.key: str | None = None
        self.outcome: str | None = None
        self.plugs_after = plan.plugs_after
        self._tries = 0
        self._place = plan.places[0]
        self._declined = plan.declined_first
        self._paid = False
        self._since: float | None = None
        self._page: tuple[Process, ExitStack] | None = None
        self._lost = False
        self._acted = False
        self._next: Callable[[Process], float | None] = self._arrive

    def come(self, seconds: float) -> None:
        self._stepper.after(seconds, self._step)

    @property
    def _own(self) -> str:
        """The key of the session. Only asked for once there is one."""
        if self.key is None:
            raise LookupError("this driver has not started yet")
        return self.key

    @property
    def _book(self) -> StripeBook:
        return self._world.book

    def tell(self, words: str) -> None:
        self._told(f"Driver {self.number} {words}.")

    def _step(self) -> None:
        process = self._kiosk()
        if process is None:
            self.come(3)
            return
        try:
            self._keep_page_open(process)
            wait = self._next(process)
        except Killed:
            self._died(process)
            wait = 4.0
        except (CannotWrite, Unavailable):
            wait = 5.0
        if wait is not None:
            self.come(wait)

    def _keep_page_open(self, process: Process) -> None:
        away = self.plan.puts_phone_away and self._since is not None and not self._acted
        if away:
            self._close_page()
        if self.key is None or self._lost or away or (self._page is not None and self._page[0] is process):
            return
        self._close_page()
        page = ExitStack()
        page.enter_context(process.news.subscribe(session_topic(self.key)))
        self._page = process, page

    def _close_page(self) -> None:
        if self._page is not None:
            self._page[1].close()
            self._page = None

    def _leaves(self, outcome: str) -> None:
        self.outcome = outcome
        self._close_page()
        self.tell(f"is done: {outcome}")

    # --- before the payment

    def _arrive(self, process: Process) -> float | None:
        code, connector_id = self._place
        card = current_card(process.parts, code)
        if card is None:
            return self._again("saw no price")
        seen = terms_of(card.tariff, hold_of(card))
        limit = None
        if self.plan.goal is Goal.LIMIT:
            hold = hold_of(card)
            most_kw = most_kw_at(process.parts, card, connector_id)
            offered = limit_choices(card.tariff, hold.minor if hold is not None else None, most_kw=most_kw)
            limit = offered[0].minor if offered else None
        begun = begin(process.parts, code, connector_id, device=self.device, seen=seen, limit_minor=limit)
        if isinstance(begun, (NoOffer, NotYet)):
            why = begun.value if isinstance(begun, NoOffer) else "too soon after another start"
            return self._again(f"could not start: {why}")
        self.key = begun.key
        self._witness.numbers[begun.key] = self.number
        if limit is not None:
            self._witness.limits[begun.key] = limit
        self.tell(f"starts at {code} bay {connector_id}" + (f" with a limit of {limit}" if limit is not None else ""))
        self._world.come_late(code, connector_id, self.plugs_after)
        self._tries = 0
        self._next = self._wait_for_the_form
        if self.plan.double_start:
            twice = begin(process.parts, code, connector_id, device=self.device, seen=seen, limit_minor=limit)
            if getattr(twice, "key", None) != begun.key:
                self._witness.break_(f"twice {begun.key}", f"driver {self.number}: a second tap made a second session")
        return 1.0

    def _again(self, words: str) -> float | None:
        self._tries += 1
        self._place = self.plan.places[self._tries % len(self.plan.places)]
        if self._tries < 8:
            return self._rng.uniform(2, 20)
        self._leaves(words)
        return None

    def _wait_for_the_form(self, process: Process) -> float | None:
        session = self._session(process)
        self._tries += 1
        if session is None or self._tries > 4 * TRIES:
            self._leaves("gave up waiting")
            return None
        if session.phase is Phase.QUEUED:
            return 2.0
        if session.phase is Phase.OPEN and asks_consent(session):
            terms = terms_now(session)
            if terms is not None:
                asks.agree(process.parts, session.key, self.device, terms.word)
            return 1.0
        if session.phase is Phase.OPEN and payable(session):
            self._next = self._pay
            return self.plan.pays_after
        if session.phase is Phase.OPEN and not session.final:
            return 2.0
        self._leaves(f"never got to pay ({session.refusal or session.status or session.phase})")
        return None

    def _pay(self, process: Process) -> float | None:
        key = self._own
        self._tries += 1
        if self.plan.goal is Goal.UNPAID:
            self._leaves("left without paying")
            return None
        if self.plan.goal is Goal.LATE_CANCEL:
            self._witness.asked[key].setdefault("tried", self._stepper.now())
            asks.cancel(process.parts, key, self.device)
            self._leaves("cancelled before paying")
            return None
        form = asks.payment_of(process.parts, key, self.device)
        if isinstance(form, asks.Reply) or form.context.intent_id is None:
            if self._tries > 4 * TRIES:
                self._leaves("could not pay")
                return None
            self._next = self._wait_for_the_form
            return 3.0
        number = DECLINED_CARD if self._declined else GOOD_CARD
        try:
            method = card_method(number, 12, 34, "123", self._stepper.now())
            self._book.confirm(ACCOUNT, form.context.intent_id, method)
        except StripeProblem:
            self._declined = False
            self.tell("has a card declined")
            if self._tries > TRIES:
                self._leaves("could not pay")
                return None
            return 15.0
        self._paid = True
        self.tell("has paid")
        self._next = self._say_paid if self.plan.says_paid else self._watch
        return 1.0

    def _say_paid(self, process: Process) -> float | None:
        key = self._own
        asks.confirm(process.parts, key, self.device)
        self._next = self._watch
        return 2.0

    # --- the charge

    def _watch(self, process: Process) -> float | None:
        key = self._own
        session = self._session(process)
        if session is None:
            self._leaves("lost their session")
            return None
        if self.plan.loses_phone and not self._lost and session.known_status is Status.CHARGING:
            self._find_another_phone(process)
        if session.final or session.facts.group is Group.OPERATOR:  # nobody waits there for the back office
            self._leaves(f"{session.status}")
            return None
        if self.plan.goal is Goal.CANCEL and not self._acted and session.facts.group is not Group.UNPAID:
            self._acted = True
            self.tell("cancels after paying")
            self._witness.asked[key].setdefault("tried", self._stepper.now())
            asks.cancel(process.parts, key, self.device)
        if session.standing is Status.CHARGING and self._since is None:
            self._since = self._stepper.seconds()
        lasted = self._stepper.seconds() - self._since if self._since is not None else 0.0
        if lasted > STAYS_AT_MOST:
            self._pull_out()
        elif self._since is not None and lasted >= self.plan.seconds and not self._acted:
            return self._end(process)
        if self._since is None:
            self._tries += 1
            if self._tries > 12 * TRIES:
                self._leaves(f"drove on ({session.status})")
                return None
        left = self.plan.seconds - lasted
        return 5.0 if self._since is None else max(2.0, min(left, 60.0)) if not self._acted else 30.0

    def _end(self, process: Process) -> float | None:
        key = self._own
        goal, now = self.plan.goal, self._stepper.now()
        self._acted = goal is not Goal.STAY and goal is not Goal.LIMIT
        code, connector_id = self._place
        match goal:
            case Goal.STOP | Goal.TAP_TWICE:
                self._acted = False
                self._witness.asked[key].setdefault("tried", now)
                reply = asks.stop(process.parts, key, self.device)
                if reply in {asks.Reply.DONE, asks.Reply.UNWRITTEN}:
                    self._acted = True
                    self._witness.asked[key].setdefault("stop", now)
                    self.tell("asks for the stop")
                if goal is Goal.TAP_TWICE:
                    asks.stop(process.parts, key, self.device)
            case Goal.CABLE:
                self._pull_out()
            case Goal.CHARGER:
                self.tell("stops at the charger")
                with suppress(NotPossible):
                    self._world.stop_at_charger(code, connector_id)
            case _:
                pass
        return 20.0

    def _pull_out(self) -> None:
        with suppress(NotPossible):
            self._world.unplug(*self._place)
            self.tell("pulls the cable out")

    def _find_another_phone(self, process: Process) -> None:
        """The code on the first phone's page makes another one an owner; then the first one is gone."""
        key = self._own
        made = asks.new_take_over(process.parts, key, self.device)
        if isinstance(made, asks.Reply):
            return
        other = f"{self.device}, another one"
        if asks.take_over(process.parts, made.code, other) == key:
            self.device, self._lost = other, True
            self._close_page()
            self.tell("goes on with another phone, and closes the page")

    def _session(self, process: Process) -> Session | None:
        return process.store.session(self.key) if self.key is not None else None
