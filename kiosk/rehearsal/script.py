"""The work of each step, and the clean-up. A step returns what came; StepFailed or UpstreamError ends the play."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from kiosk.domain.charger import BayState, ChargerCard, bay_state
from kiosk.domain.commands import Refusal
from kiosk.domain.money import Money
from kiosk.domain.session import Session
from kiosk.domain.status import Group, Status
from kiosk.rehearsal.lab import Lab
from kiosk.rehearsal.play import Cast, Plan
from kiosk.rehearsal.steps import Step, StepFailed
from kiosk.rehearsal.waiting import Patience, reason
from kiosk.upstream.errors import NotSent, Refused, UpstreamError

QUICK, SLOW, LONG = 30.0, 120.0, 300.0
"""Seconds: for what a charger does by itself, for what a back office needs, and for three meter readings of a session
that the kiosk reads once a minute because nobody watches it."""
LEAST_RISES = 2
ALLOWED_WH = Decimal(10)
"""Between the bill and the charger's meter: a bill in hundredths of a kWh may be rounded by half of that."""
ALLOWED_MINOR = 1
"""Between the bill and price times energy: nobody publishes how a bill is rounded."""
TRIES = 3
_NOBODY_THERE = frozenset({None, "Available", "Unavailable", "Faulted"})
"""Words of a bay where no car is. Whether it can be sold is asked later, when the virtual charger is there."""
_PLUGGED = frozenset({"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"})


class Script:
    """One rehearsal's memory: the card, the session, what is plugged in, what was paid."""

    def __init__(self, plan: Plan, cast: Cast) -> None:
        self._plan = plan
        self._cast = cast
        self._wait = Patience(cast.clock)
        self._card: ChargerCard | None = None
        self._session: Session | None = None
        self._began = cast.clock.now()
        self._plugged = False
        self._same_charger = False  # until Plugchoice has seen the cable that OCPPLAB plugged in
        self._works: dict[Step, Callable[[], str]] = {
            Step.FREE: self._find_free,
            Step.VIRTUAL: lambda: self._wait.call(self._lab.get_ready),
            Step.CARD: self._read_card,
            Step.MATCH: self._match,
            Step.START: self._start,
            Step.READ: self._read,
            Step.CANCEL: self._cancel,
            Step.RELEASE: self._released,
            Step.PAY: self._pay,
            Step.PLUG: self._plug,
            Step.CHARGE: self._charge,
            Step.ENERGY: self._energy,
            Step.STOP: self._stop,
            Step.SETTLE: self._settle,
            Step.UNPLUG: self._unplug,
            Step.RECEIPT: self._receipt,
        }

    def play(self, step: Step) -> str:
        return self._works[step]()

    # --- before money

    def _find_free(self) -> str:
        """Before anything is done. A bay of which nothing is known is not free, unless its charger is still to come."""
        keeper = self._cast.keeper()
        if keeper is not None:
            raise StepFailed(f"the kiosk's session {keeper} keeps the bay", "a rehearsal needs a free bay")
        try:
            card = self._wait.until(self._ask_card, lambda _: True, QUICK, lambda _: "", "")
        except Refused as refused:
            if refused.reason is not Refusal.UNKNOWN_CHARGER or self._cast.lab is None:
                raise
            return "Plugchoice does not know the charger yet"
        word = _bay_word(card, self._plan.connector_id)
        if word not in _NOBODY_THERE:
            raise StepFailed(f"the bay is {word}", "a rehearsal needs a free bay without a cable")
        return f"the bay is {word or 'not known yet'}"

    def _read_card(self) -> str:
        card = self._wait.until(
            self._ask_card, lambda card: card.online is True, QUICK, lambda _: "no connection", "it did not come online"
        )
        bay = card.connector(self._plan.connector_id)
        if bay is None:
            raise StepFailed(f"{len(card.connectors)} bays", f"there is no bay {self._plan.connector_id}")
        if card.tariff is None or card.preauth_minor is None or not card.sellable:
            raise StepFailed("online", "Plugchoice gives no price or no hold, so nothing can be sold")
        if bay_state(card, bay, self._cast.clock.now()) is not BayState.FREE:
            raise StepFailed(f"the bay is {bay.status}", "a rehearsal needs a free bay without a cable")
        self._card = card
        tariff = card.tariff
        fee = f" and {_money(tariff.start_fee_minor, tariff.currency)} once" if tariff.start_fee_minor else ""
        hold = _money(card.preauth_minor, tariff.currency)
        return f"online, free, {_money(tariff.price_per_kwh_minor, tariff.currency)} a kWh{fee}, hold {hold}"

    def _match(self) -> str:
        word, shown = self._wait.call(self._lab.bay_word), _bay_word(self._known_card, self._plan.connector_id)
        if word is None:
            return f"{shown} at Plugchoice; OCPPLAB's log does not tell"
        if word != shown:
            why = "this virtual charger may not be the one behind the code"
            raise StepFailed(f"{word} at OCPPLAB, {shown} at Plugchoice", why)
        return f"{word} at both"

    def _start(self) -> str:
        card = self._known_card
        self._wait.call(lambda: self._cast.ride.begin(card))
        session = self._until(
            lambda seen: seen.status is not None or seen.final, SLOW, "the start was not sent: does the kiosk run?"
        )
        self._fail_if_over(session)
        if session.tariff != self._known_card.tariff:
            raise StepFailed(_stands(session), "the session has another price than the card")
        return _stands(session)

    # --- without payment

    def _read(self) -> str:
        session = self._until(lambda _: True, QUICK, "it cannot be read")
        if session.facts.group is not Group.UNPAID:
            raise StepFailed(_stands(session), "it should wait for a payment")
        return _stands(session)

    def _cancel(self) -> str:
        self._wait.call(self._cast.ride.cancel)
        return "taken"

    def _released(self) -> str:
        session = self._until(lambda seen: seen.final, QUICK, "the session did not end")
        if session.captured_minor or session.known_status is Status.CAPTURED:
            raise StepFailed(_stands(session), "something was captured")
        self._until_free()
        return f"{_stands(session)}, the bay is free"

    # --- with payment

    def _pay(self) -> str:
        self._cast.pay()
        patience = self._plan.patience.total_seconds()
        session = self._until(_left(Group.UNPAID), patience, "nobody paid, or Plugchoice did not notice")
        self._fail_if_over(session)
        hold, announced = session.authorized_minor, self._known_card.preauth_minor
        if hold is None or hold != announced:
            raise StepFailed(f"{_stands(session)}, {self._amount(hold)}", f"announced was {self._amount(announced)}")
        return f"{_stands(session)}, hold {self._amount(hold)}"

    def _plug(self) -> str:
        self._plugged = True  # from here on the cable may be in, unless it is plainly refused
        try:
            self._wait.call(self._lab.plug)
        except (StepFailed, Refused, NotSent):
            self._plugged = False  # a cable that is in is not ours
            raise
        session = self._until(
            lambda seen: seen.connector_status in _PLUGGED or seen.final,
            QUICK,
            "the bay does not show the cable: is the virtual charger really the one behind the code?",
        )
        self._fail_if_over(session)
        self._same_charger = True
        return f"the bay is {session.connector_status}"

    def _charge(self) -> str:
        session = self._until(_left(Group.PREPARING), SLOW, "it did not begin to charge")
        if session.facts.group is not Group.RUNNING:
            raise StepFailed(_stands(session), "it ended before it charged")
        return _stands(session)

    def _energy(self) -> str:
        noted = self._let_draw()
        seen: list[Decimal] = []

        def rises(session: Session) -> bool:
            energy = session.energy_kwh
            if session.facts.group is not Group.RUNNING:
                raise StepFailed(_stands(session), "the charge ended by itself")
            if energy is not None and seen and energy < seen[-1]:
                raise StepFailed(f"{energy} kWh after {seen[-1]} kWh", "the energy fell")
            if energy is not None and (not seen or energy > seen[-1]):
                seen.append(energy)
            return len(seen) > LEAST_RISES

        session = self._until(rises, LONG, f"the energy did not rise twice{noted}")
        cost = self._amount(session.cost_minor)
        return f"{', '.join(str(each) for each in seen)} kWh, {cost} so far{noted}"

    def _stop(self) -> str:
        self._wait.call(self._cast.ride.stop)
        session = self._until(_left(Group.RUNNING), SLOW, "it went on")
        return f"taken; {_stands(session)}"

    def _settle(self) -> str:
        session = self._until(_left(Group.SETTLING, Group.RUNNING), SLOW, "it did not settle")
        captured, hold = session.captured_minor, session.authorized_minor
        if session.known_status is not Status.CAPTURED or captured is None:
            raise StepFailed(_stands(session), "nothing was captured")
        if hold is not None and captured > hold:
            raise StepFailed(f"captured {self._amount(captured)}", f"the hold was {self._amount(hold)}")
        released = f", released {self._amount(hold - captured)}" if hold is not None else ""
        return f"captured {self._amount(captured)}{released}"

    def _unplug(self) -> str:
        self._wait.call(self._lab.unplug)
        self._plugged = False
        self._until_free()
        return "the bay is free"

    def _receipt(self) -> str:
        session = self._session
        metered = self._wait.call(lambda: self._lab.metered_wh(self._began))
        assert session is not None  # noqa: S101 - it has settled
        if session.energy_kwh is None or session.tariff is None or session.captured_minor is None:
            raise StepFailed(_stands(session), "the session has no energy or no price")
        if metered is None:
            raise StepFailed(f"billed {session.energy_kwh} kWh", "OCPPLAB's log has no meter values to compare with")
        billed = session.energy_kwh * 1000
        due = session.tariff.example(session.energy_kwh).minor
        if session.authorized_minor is not None:
            due = min(due, session.authorized_minor)
        off_wh, off_minor = billed - metered, session.captured_minor - due
        came = (
            f"billed {_plain(billed)} Wh, metered {_plain(metered)} Wh, difference {_plain(off_wh)} Wh; "
            f"captured {self._amount(session.captured_minor)}, difference {self._amount(off_minor)}"
        )
        if abs(off_wh) > ALLOWED_WH:
            raise StepFailed(came, f"the bill and the charger's meter differ by more than {ALLOWED_WH} Wh")
        if abs(off_minor) > ALLOWED_MINOR:
            raise StepFailed(came, "the amount is not the price times the energy")
        return came

    # --- the clean-up

    def tidy(self) -> tuple[list[str], list[str]]:
        """What was done, and what is left for a person."""
        done: list[str] = []
        left: list[str] = []
        if self._cast.ride.lost:
            left.append("the start got no answer, so a session may exist; it is unpaid and expires by itself")
        if self._cast.lab is not None and self._cast.lab.lost:
            left.append("the making of a virtual charger got no answer; look for it at OCPPLAB")
        self._end_session(done, left)
        for doing, work in (("pulling the cable", self._pull_cable), ("removing the charger", self._remove_charger)):
            try:
                done += work()
            except StepFailed as failed:
                left.append(f"{failed.came}: {failed.why}")
            except UpstreamError as error:
                left.append(f"{doing} did not work: {reason(error)}")
        return done, left

    def _end_session(self, done: list[str], left: list[str]) -> None:
        """Cancel or stop it, more than once if need be (both may be repeated), and see how its hold ends."""
        problem = ""
        for _ in range(TRIES):
            if self._over():
                break
            try:
                session = self._look()
                if session is None:
                    return
                acted = self._end(session)
                done += [line for line in acted if line not in done]
                session = self._until(lambda _: self._over(), SLOW, "it did not end")
                if acted:
                    done.append(_stands(session))
            except StepFailed as failed:
                problem = failed.why
                if not (self._session and (self._session.can_stop() or self._session.can_cancel())):
                    break
            except UpstreamError as error:
                problem = reason(error)
        session = self._session
        if session is not None and not self._over():
            left.append(f"{_stands(session)}: {problem}")
        elif session is not None and session.facts.group is Group.OPERATOR:
            left.append(f"{_stands(session)}: the operator has to settle it at Plugchoice")

    def _over(self) -> bool:
        """Nothing is to come but an operator's hand."""
        return self._session is not None and (self._session.final or self._session.facts.group is Group.OPERATOR)

    def _end(self, session: Session) -> list[str]:
        if session.can_cancel():
            self._wait.call(self._cast.ride.cancel)
            return ["the session was cancelled"]
        if not session.can_stop():
            return []
        try:
            self._wait.call(self._cast.ride.stop)
        except Refused as refused:
            if self._cast.lab is None or not self._same_charger:
                raise
            self._wait.call(self._cast.lab.stop_and_unplug)
            self._plugged = False
            return [f"the stop was {reason(refused)}; OCPPLAB stopped the charge at the charger"]
        return ["the session was stopped"]

    def _pull_cable(self) -> list[str]:
        if not self._plugged:
            return []
        self._wait.call(self._lab.unplug)
        return ["the cable was pulled"]

    def _remove_charger(self) -> list[str]:
        if self._cast.lab is None or not self._cast.lab.made or self._plan.keep:
            return []
        self._wait.call(self._cast.lab.remove)
        return ["the virtual charger was removed again"]

    # --- reading

    @property
    def _lab(self) -> Lab:
        assert self._cast.lab is not None  # noqa: S101 - steps that need it are skipped without it
        return self._cast.lab

    @property
    def _known_card(self) -> ChargerCard:
        assert self._card is not None  # noqa: S101 - no step comes before the one that reads it
        return self._card

    def _ask_card(self) -> ChargerCard:
        return self._cast.public.get_charger(self._plan.code)

    def _look(self) -> Session | None:
        found = self._wait.call(self._cast.ride.read)
        self._session = found or self._session
        return found

    def _until(self, ready: Callable[[Session], bool], seconds: float, why: str) -> Session:
        found = self._wait.until(self._look, lambda seen: seen is not None and ready(seen), seconds, _stands, why)
        assert found is not None  # noqa: S101 - it would not be ready
        return found

    def _until_free(self) -> None:
        """Asked of the card, as the next driver would."""
        number = self._plan.connector_id
        self._wait.until(
            self._ask_card,
            lambda card: _bay_word(card, number) == "Available",
            QUICK,
            lambda card: f"the bay is {_bay_word(card, number)}",
            "it did not become free",
        )

    def _let_draw(self) -> str:
        """Some virtual cars draw by themselves, and OCPPLAB then refuses: no fault of the set-up."""
        try:
            self._wait.call(self._lab.let_draw)
        except Refused as refused:
            return f" (OCPPLAB on asking the car to draw: {reason(refused)})"
        return ""

    def _fail_if_over(self, session: Session) -> None:
        if session.final:
            raise StepFailed(_stands(session), "the session has ended")

    def _amount(self, minor: int | None) -> str:
        tariff = self._known_card.tariff
        return _money(minor, tariff.currency) if tariff is not None and minor is not None else "no amount"


def _left(*groups: Group) -> Callable[[Session], bool]:
    return lambda session: session.facts.group not in {*groups, Group.STRANGE}


def _stands(session: Session | None) -> str:
    """Where a session stands, in a few words."""
    if session is None:
        return "there is no session"
    because = f" ({session.failure_reason})" if session.failure_reason else ""
    return f"the session is {session.status or session.phase}{because}"


def _bay_word(card: ChargerCard, connector_id: int) -> str | None:
    bay = card.connector(connector_id)
    return bay.status if bay is not None else None


def _plain(number: Decimal) -> str:
    """Without the zeros behind the point."""
    return f"{number.quantize(Decimal('0.001')).normalize():f}"


def _money(minor: int, currency: str) -> str:
    return f"{currency} {Money(minor, currency).major}"
