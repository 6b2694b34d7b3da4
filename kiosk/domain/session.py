"""One charging session and how an observation changes it: `fold(session, observation) -> (session, events)`.

Any status may be skipped between two observations, an unknown word is normal, figures may fall. Nothing that upstream
did not say is filled in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from kiosk.domain.commands import Refusal, Wish
from kiosk.domain.doubt import Doubt, Figures, is_possible, weigh
from kiosk.domain.money import Money
from kiosk.domain.status import EMAIL_OPEN, ENDED_WITHOUT_PAYMENT, Group, Status, StatusFacts, facts, facts_after, known
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Trace

T = TypeVar("T")

READ_ON_FOR = timedelta(days=1)
"""For so long an end that was told without all of its figures is read again; then it stands as it is."""
STRANGE_KEEPS_BAY = timedelta(hours=12)
"""For so long a word that nobody knows keeps a bay from other drivers: longer than nearly every charge."""
ENERGY_LASTS = timedelta(seconds=60)
"""An energy that newer answers left out stands so long beside their cost."""
WAITING_WORDS = frozenset({"SuspendedEV", "SuspendedEVSE"})
"""The connector's words for a car that waits, and for a bay that is paused. Both go on by themselves."""
DRAWING_WORDS = WAITING_WORDS | {"Charging"}


class Phase(StrEnum):
    """The kiosk's own states around upstream's status."""

    QUEUED = "queued"  # start stored, not sent
    REFUSED = "refused"  # start refused; nothing was ever held
    NO_ANSWER = "no_answer"  # start got no answer; no payment was ever shown, so nothing is held
    LEFT = "left"  # the driver left the line before the start was sent
    OPEN = "open"  # upstream knows it; `status` says where it stands
    GONE = "gone"  # upstream knew it and now answers 404: the token has expired


@dataclass(frozen=True, slots=True)
class PaymentContext:
    """What Stripe.js needs. The secret never reaches a repr, a log or a stored address."""

    client_secret: str = field(repr=False)
    publishable_key: str
    stripe_account_id: str

    @property
    def intent_id(self) -> str | None:
        """The id in front of the secret (`pi_..._secret_...`), or None for another form."""
        head, mark, _ = self.client_secret.partition("_secret_")
        return head if mark and head.startswith("pi_") else None


@dataclass(frozen=True, slots=True)
class Observation:
    """What upstream said once, read defensively: a field that was missing, null or unreadable is None.

    `asked_at` is when the question left, `seen_at` when the answer was read. An answer to an older question never
    replaces that of a newer one. Amounts are minor units of `tariff.currency`.
    """

    asked_at: datetime
    seen_at: datetime
    status: str | None
    failure_reason: str | None = None
    connector_id: int | None = None
    connector_status: str | None = None
    charger_code: str | None = None
    charger_name: str | None = None
    charger_online: bool | None = None
    tariff: Tariff | None = None
    authorized_minor: int | None = None
    energy_kwh: Decimal | None = None
    cost_minor: int | None = None
    captured_minor: int | None = None
    tax_minor: int | None = None
    driver_email: str | None = field(default=None, repr=False)
    created_at: datetime | None = None
    authorized_at: datetime | None = None
    charging_started_at: datetime | None = None
    completed_at: datetime | None = None
    captured_at: datetime | None = None
    payment: PaymentContext | None = None


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """The last figures of a running charge, kept when the final ones replace them."""

    energy_kwh: Decimal | None
    cost_minor: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class HoldProof:
    """What the payment provider itself says of the hold. Only from a read of the payment, never inferred.

    `held_at`, `ended_at` and `refunded_at` are when it was first read that money is set aside or taken, that it had
    ended, and that so much was sent back; each later read keeps them.
    `amount_minor` is what the payment is for, which is what a hold will be before there is one.
    """

    checked_at: datetime
    intent_status: str
    capturable_minor: int
    received_minor: int
    canceled_at: datetime | None = None
    card_brand: str | None = None
    card_last4: str | None = None
    capture_before: datetime | None = None
    refunded_minor: int | None = None
    refunded_at: datetime | None = None
    ended_at: datetime | None = None
    amount_minor: int | None = None
    held_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.intent_status in {"succeeded", "canceled"} and self.capturable_minor == 0


@dataclass(frozen=True, slots=True)
class Refund:
    """A part of what was captured was sent back, as upstream's figures show it.

    `amount_minor` is None when upstream says that it was sent back and its figures do not say how much: then it is
    everything that was left. `seen_at` is when this kiosk first saw it; upstream gives no time of its own.
    """

    amount_minor: int | None
    seen_at: datetime


class Unsaid(StrEnum):
    """What is missing of an end, or does not fit it."""

    AMOUNT = "amount"  # nobody has said how much was captured
    TIME = "time"  # nor when
    ENERGY = "energy"  # no figure of the end: the last one is of the running charge, or there is none
    FREE_AND_TAKEN = "free_and_taken"  # a word that takes nothing beside an amount that was captured


@dataclass(frozen=True, slots=True)
class Session:
    """A session of this kiosk. `key` is the unguessable address that lets anyone who has it watch.

    `hold_minor` is the hold that the driver was shown before starting; `authorized_minor` the one upstream says was
    placed. `fresh_at` is the last time an answer came from a charger that was not offline and left no figure unsaid
    that was known before: the age of every live figure counts from it. `back_at` is when contact came back last: that
    of the charger, or upstream's answers after it had not known the session. `payment_shown_at` is when the payment
    form was handed out first: from then on somebody may have paid, whatever upstream says. `wish` is that of a driver
    to end it, and stays when it has ended. `connector_since` is when the connector's present word was first seen.
    `most_kw` (what the connector can give) and `meter_seconds` (at most so far apart does the charger report) are what
    was known at the start. `doubt` are figures that cannot be, and are not shown.

    `last_known` is the newest status that this version knows: what it means goes on while `status` is a strange word.
    `captured_minor` is what was captured first; what was sent back of it stands in `refunds`. `tariff` is the price of
    the start's own answer; another one that a later answer gave is `later_tariff`. `incomplete`: the end was told
    without all of its figures, and is read on. `energy_unsaid`: it was told without its energy.

    `agreed` are the terms that the driver read and accepted last, as one word (`kiosk.domain.terms`). `given_up_at`:
    the driver cancelled before paying, and upstream's session is kept for a while, for their next start at this bay.
    """

    key: str = field(repr=False)
    code: str
    connector_id: int
    phase: Phase
    requested_at: datetime
    version: int = 1
    status: str | None = None
    charger_name: str | None = None
    charger_online: bool | None = None
    connector_status: str | None = None
    connector_since: datetime | None = None
    most_kw: Decimal | None = None
    meter_seconds: int | None = None
    tariff: Tariff | None = None
    hold_minor: int | None = None
    limit_minor: int | None = None
    authorized_minor: int | None = None
    energy_kwh: Decimal | None = None
    cost_minor: int | None = None
    captured_minor: int | None = None
    tax_minor: int | None = None
    failure_reason: str | None = None
    email_known: bool = False
    created_at: datetime | None = None
    authorized_at: datetime | None = None
    charging_started_at: datetime | None = None
    completed_at: datetime | None = None
    captured_at: datetime | None = None
    status_since: datetime | None = None
    held_seen_at: datetime | None = None
    asked_at: datetime | None = None
    observed_at: datetime | None = None
    fresh_at: datetime | None = None
    gone_at: datetime | None = None
    back_at: datetime | None = None
    payment_shown_at: datetime | None = None
    wish: Wish | None = None
    refusal: Refusal | None = None
    retry_at: datetime | None = None
    last_live: LiveFigures | None = None
    trace: Trace = field(default_factory=Trace)
    doubt: Doubt | None = None
    proof: HoldProof | None = None
    last_known: str | None = None
    refunds: tuple[Refund, ...] = ()
    later_tariff: Tariff | None = None
    incomplete: bool = False
    energy_unsaid: bool = False
    agreed: str | None = None
    given_up_at: datetime | None = None

    @property
    def facts(self) -> StatusFacts:
        """What the status means for the kiosk's duties; of a strange word, what the known one before it meant."""
        if self.known_status is not None:
            return facts(self.status)
        return facts_after(self.status, self._before, over=self._over, long=self._strange_for >= STRANGE_KEEPS_BAY)

    @property
    def known_status(self) -> Status | None:
        return known(self.status)

    @property
    def standing(self) -> Status | None:
        """The status whose duties go on: upstream's word, or under a strange one the known word before it."""
        if self.known_status is not None:
            return self.known_status
        before = known(self._before)
        return None if before is not None and self._over and not facts(before).final else before

    @property
    def _before(self) -> str | None:
        """The word that stands under a strange one: the known one before it, or that of a charge which has plainly
        begun since: energy has flowed, or charger or connector say so.
        """
        before = known(self.last_known)
        if before is None or facts(before).group not in {Group.UNPAID, Group.PREPARING}:
            return before
        begun = self.charging_started_at is not None or bool(self.energy_kwh)
        taken_up = self.ever_held and self.connector_status in DRAWING_WORDS
        return Status.CHARGING if begun or taken_up else before

    @property
    def _over(self) -> bool:
        """Upstream gave the time at which charging or billing ended, or the payment's own record has ended the hold."""
        ended = self.proof is not None and self.proof.ended
        return self.completed_at is not None or self.captured_at is not None or ended

    @property
    def _strange_for(self) -> timedelta:
        since, until = self.status_since, self.observed_at
        return until - since if since is not None and until is not None else timedelta(0)

    @property
    def _told_by_amounts(self) -> bool:
        """Upstream's word is a strange one, and beside it stands what was captured, and when."""
        return self.known_status is None and self.captured_at is not None and self.captured_minor is not None

    @property
    def by_record(self) -> bool:
        """The payment's own record has ended the hold, and upstream has not told an end and may never do so."""
        if self.proof is None or not self.proof.ended or self.facts.final or self._told_by_amounts:
            return False
        waiting = self.facts.group in {Group.SETTLING, Group.OPERATOR, Group.STRANGE}
        return self.phase is Phase.GONE or (self.phase is Phase.OPEN and waiting)

    @property
    def end(self) -> Status | None:
        """How it ended, by upstream's word, its amounts, or the payment's own record; None while nobody said so."""
        standing = self.standing
        if standing is not None and facts(standing).final:
            return standing
        if self.phase not in {Phase.OPEN, Phase.GONE}:
            return None
        if self._told_by_amounts:
            return Status.CAPTURED
        if self.by_record and self.proof is not None:
            return Status.CAPTURED if self.proof.received_minor else Status.NO_CHARGE
        return None

    @property
    def taken_minor(self) -> int | None:
        """What was taken of the hold, refunds not counted: by upstream's figures, else by the payment's own record."""
        recorded = self.proof.received_minor if self.proof is not None and self.proof.ended else None
        if self.end in ENDED_WITHOUT_PAYMENT or self.end is Status.WRITTEN_OFF:
            return self.captured_minor or recorded or 0
        # What is left after a refund is not what was taken, nor is what upstream has not taken yet.
        # The payment's own record knows better than an amount of nothing.
        says_nothing = self.captured_minor == 0 and (self.end is Status.REFUNDED or self.by_record or bool(recorded))
        if self.captured_minor is None or says_nothing:
            return recorded
        return self.captured_minor

    @property
    def unsaid(self) -> frozenset[Unsaid]:
        """What is missing of the end, or contradicts it. Empty before an end."""
        end = self.end
        if end is None:
            return frozenset()
        if end in {Status.CAPTURED, Status.REFUNDED}:
            missing = {
                Unsaid.AMOUNT: self.taken_minor is None,
                Unsaid.TIME: end is Status.CAPTURED and self.captured_at is None,
                Unsaid.ENERGY: self.energy_kwh is None or self.energy_unsaid,
            }
            return frozenset(what for what, is_missing in missing.items() if is_missing)
        return frozenset({Unsaid.FREE_AND_TAKEN} if self.taken_minor else ())

    @property
    def final(self) -> bool:
        """Nothing more will be read: refused, unanswered and left sessions never had a hold."""
        if self.phase is Phase.OPEN:
            return self.end is not None and not self.by_record and not self.incomplete
        return self.phase is not Phase.QUEUED and not self.watchable

    @property
    def watchable(self) -> bool:
        """Upstream can be asked about it. A gone one may come back, so it is asked now and then until an end is known:
        by upstream's word, or by the payment's own record.
        """
        return self.phase is Phase.OPEN or (self.phase is Phase.GONE and self.end is None)

    @property
    def occupies(self) -> bool:
        """It keeps its bay from other drivers of this kiosk."""
        if self.given_up:
            return False
        return self.phase is Phase.QUEUED or (self.phase is Phase.OPEN and self.facts.occupies)

    @property
    def given_up(self) -> bool:
        """Its driver cancelled before paying; upstream need not know it yet. Paid all the same it is not."""
        return self.given_up_at is not None and self.phase is Phase.OPEN and self.known_status is Status.CREATED

    @property
    def ever_held(self) -> bool:
        """Upstream said that a hold was placed, or the payment's own record does."""
        if self.authorized_minor is not None or self.authorized_at is not None or self.held_seen_at is not None:
            return True
        return self.proof is not None and bool(self.proof.capturable_minor or self.proof.received_minor)

    @property
    def newest_at(self) -> datetime:
        """The latest of its times of the kiosk's own clock."""
        own = (
            self.status_since,
            self.connector_since,
            self.held_seen_at,
            self.asked_at,
            self.observed_at,
            self.fresh_at,
            self.gone_at,
            self.back_at,
            self.payment_shown_at,
            self.given_up_at,
            self.wish.asked_at if self.wish is not None else None,
        )
        return max((self.requested_at, *(at for at in own if at is not None)))

    @property
    def currency(self) -> str | None:
        return self.tariff.currency if self.tariff else None

    def money(self, minor: int | None) -> Money | None:
        """`minor` in the session's currency; None when either is not known."""
        return Money(minor, self.tariff.currency) if self.tariff is not None and minor is not None else None

    @property
    def held_minor(self) -> int | None:
        """The hold: what upstream says was placed, else what was shown before the start."""
        return self.authorized_minor if self.authorized_minor is not None else self.hold_minor

    @property
    def power_kw(self) -> Decimal | None:
        """The present power as it may be shown; None when it cannot be said."""
        return None if self.energy_is_old else self.trace.power_kw(self.most_kw)

    @property
    def energy_is_old(self) -> bool:
        """The energy was last told a while before the newest cost: it is no figure of now."""
        return _energy_is_old(self.trace, self.fresh_at)

    @property
    def meter_interval(self) -> timedelta | None:
        """At most so far apart does this charger report: by this charge, else by what was known of it before."""
        known = timedelta(seconds=self.meter_seconds) if self.meter_seconds is not None else None
        return self.trace.reporting_interval() or known

    def can_cancel(self) -> bool:
        return self.phase is Phase.QUEUED or (self.phase is Phase.OPEN and self.facts.cancel)

    def can_stop(self) -> bool:
        return self.phase is Phase.OPEN and self.facts.stop

    def can_set_email(self) -> bool:
        return self.phase is Phase.OPEN and self.known_status in EMAIL_OPEN


class Event(StrEnum):
    """What a fold noticed. The engine counts every one and logs the odd ones."""

    STATUS = "status"
    FIGURES = "figures"
    CAME_ONLINE = "came_online"
    WENT_OFFLINE = "went_offline"
    CAME_BACK = "came_back"
    STRANGE_STATUS = "strange_status"
    ENERGY_FELL = "energy_fell"
    TARIFF_CHANGED = "tariff_changed"
    OTHER_CURRENCY = "other_currency"
    REFUNDED = "refunded"
    END_INCOMPLETE = "end_incomplete"
    CAPTURED_ABOVE_HOLD = "captured_above_hold"
    STATUS_WENT_BACK = "status_went_back"
    DOUBTFUL_FIGURES = "doubtful_figures"
    DOUBT_CONFIRMED = "doubt_confirmed"


_ORDER = {
    Group.UNPAID: 0,
    Group.PREPARING: 1,
    Group.RUNNING: 2,
    Group.SETTLING: 3,
    Group.OPERATOR: 4,
    Group.ENDED: 5,
}


def fold(session: Session, seen: Observation) -> tuple[Session, tuple[Event, ...]]:
    """The session after `seen`, and what was noticed. An answer to an older question than the last changes nothing.

    Of two questions under way at once the later one may have been answered first: then neither the status nor the meter
    goes back.
    A null never erases what upstream said before, except the connector's word, which is only true of its moment.
    The price of the first answer stays. Amounts of an answer in another currency are not amounts of this session.
    """
    if _older(seen.asked_at, session.asked_at):
        return session, ()
    events: list[Event] = []
    status = seen.status if seen.status is not None else session.status
    # A row of an earlier release has no last known status, and its status may be one.
    before = session.last_known or (session.status if known(session.status) is not None else None)
    if _overlaps(seen.asked_at, session.observed_at) and _is_behind(session, before, status, seen):
        return session, ()
    changed = status != session.status
    first = session.status is None
    if changed:
        events.append(Event.STATUS)
        if known(status) is None:
            events.append(Event.STRANGE_STATUS)
        if _went_back(before, status):
            events.append(Event.STATUS_WENT_BACK)
    if session.phase is Phase.GONE:
        events.append(Event.CAME_BACK)
    online = seen.charger_online if seen.charger_online is not None else session.charger_online
    if online != session.charger_online and session.charger_online is not None:
        events.append(Event.CAME_ONLINE if online else Event.WENT_OFFLINE)
    came_back = session.gone_at is not None or Event.CAME_ONLINE in events
    tariff, later_tariff = session.tariff, session.later_tariff
    if seen.tariff is not None and (first or tariff is None):
        tariff = seen.tariff
    elif seen.tariff is not None:
        if seen.tariff not in {tariff, later_tariff}:
            events.append(Event.TARIFF_CHANGED)
        later_tariff = seen.tariff if seen.tariff != tariff else None
    if seen.tariff is not None and tariff is not None and seen.tariff.currency != tariff.currency:
        if seen.tariff != session.later_tariff:
            events.append(Event.OTHER_CURRENCY)
        seen = replace(seen, authorized_minor=None, cost_minor=None, captured_minor=None, tax_minor=None)
    running = _runs(session, status, before, seen)
    doubt = _doubt(session, seen, tariff) if running else None
    if doubt is not None and doubt != session.doubt:
        events.append(Event.DOUBTFUL_FIGURES)
    said = Figures(seen.energy_kwh, seen.cost_minor) if doubt is None else Figures(None, None)
    energy = _keep(said.energy_kwh, session.energy_kwh)
    cost = _keep(said.cost_minor, session.cost_minor)
    if (energy, cost) != (session.energy_kwh, session.cost_minor):
        events.append(Event.FIGURES)
    if doubt is None and _meter_fell(session, seen):
        events.append(Event.ENERGY_FELL)
    # The cost is what a driver pays and a limit goes by. Told without the energy it is as new as any.
    kept_old = said.cost_minor is None and (cost is not None or (said.energy_kwh is None and energy is not None))
    fresh = online is not False and not kept_old and doubt is None
    fresh_at = seen.seen_at if fresh else session.fresh_at
    trace, most_kw = session.trace, session.most_kw
    if running and session.doubt is not None and doubt is None and _is_a_jump(session, seen, tariff):
        # It counts after all. No power is made of that step, and what was known of the connector is wrong.
        events.append(Event.DOUBT_CONFIRMED)
        trace, most_kw = Trace(), None
    if running and online is not False and said.energy_kwh is not None:
        trace = trace.add(seen.seen_at, said.energy_kwh)
    authorized = _keep(seen.authorized_minor, session.authorized_minor)
    captured, refunds = _captured(session, status, seen)
    if refunds != session.refunds:
        events.append(Event.REFUNDED)
    new_amounts = (captured, authorized) != (session.captured_minor, session.authorized_minor)
    if new_amounts and captured is not None and authorized is not None and captured > authorized:
        events.append(Event.CAPTURED_ABOVE_HOLD)
    last_live = session.last_live
    if running and (energy is not None or cost is not None):
        first_seen = last_live.at if last_live is not None else seen.seen_at
        last_live = LiveFigures(None if _energy_is_old(trace, fresh_at) else energy, cost, fresh_at or first_seen)
    ended = facts(status).final
    energy_unsaid = ended and seen.energy_kwh is None and (session.energy_unsaid or not facts(session.status).final)
    folded = replace(
        session,
        phase=Phase.OPEN,
        status=status,
        last_known=status if known(status) is not None else before,
        refunds=refunds,
        later_tariff=later_tariff,
        energy_unsaid=energy_unsaid,
        status_since=seen.seen_at if changed else session.status_since,
        charger_name=_keep(seen.charger_name, session.charger_name),
        charger_online=online,
        connector_status=seen.connector_status,
        connector_since=_connector_since(session, seen),
        most_kw=most_kw,
        tariff=tariff,
        authorized_minor=authorized,
        energy_kwh=energy,
        cost_minor=cost,
        captured_minor=captured,
        tax_minor=_tax(session, refunds, seen),
        failure_reason=_keep(seen.failure_reason, session.failure_reason),
        email_known=session.email_known or seen.driver_email is not None,
        created_at=_keep(seen.created_at, session.created_at),
        authorized_at=_keep(seen.authorized_at, session.authorized_at),
        charging_started_at=_keep(seen.charging_started_at, session.charging_started_at),
        completed_at=_keep(seen.completed_at, session.completed_at),
        captured_at=_keep(seen.captured_at, session.captured_at),
        asked_at=seen.asked_at,
        observed_at=seen.seen_at,
        fresh_at=fresh_at,
        gone_at=None,
        back_at=seen.seen_at if came_back else session.back_at,
        last_live=last_live,
        trace=trace,
        doubt=doubt,
    )
    incomplete = _read_on(folded)
    if incomplete and not session.incomplete:
        events.append(Event.END_INCOMPLETE)
    return replace(folded, incomplete=incomplete, held_seen_at=_held_seen_at(folded, seen)), tuple(events)


def with_proof(session: Session, proof: HoldProof) -> Session:
    """What the payment's own record says, added. An end that was proven once is not lost to a lesser answer."""
    before = session.proof
    if before is not None and before.ended and not proof.ended:
        return session
    if proof.ended and proof.ended_at is None:
        known = before is not None and before.ended
        proof = replace(
            proof, ended_at=(before.ended_at or before.checked_at) if known and before else proof.checked_at
        )
    if proof.held_at is None and (proof.capturable_minor or proof.received_minor):
        held = before is not None and bool(before.capturable_minor or before.received_minor)
        proof = replace(proof, held_at=(before.held_at or before.checked_at) if held and before else proof.checked_at)
    if proof.capture_before is None and before is not None:
        proof = replace(proof, capture_before=before.capture_before)
    if proof.refunded_minor and proof.refunded_at is None:
        same = before is not None and before.refunded_minor == proof.refunded_minor
        proof = replace(proof, refunded_at=before.refunded_at if same and before else proof.checked_at)
    proven = replace(session, proof=proof)
    return replace(proven, incomplete=session.incomplete and _read_on(proven))


def _read_on(session: Session) -> bool:
    """The end lacks a figure that upstream may still give. After a day it stands as it is."""
    since, until = session.status_since, session.observed_at
    young = since is None or until is None or until - since < READ_ON_FOR
    strange_end = session.known_status is None and session.end is not None
    return session.end is not None and not session.by_record and young and (strange_end or bool(session.unsaid))


def _captured(session: Session, status: str | None, seen: Observation) -> tuple[int | None, tuple[Refund, ...]]:
    """What was captured at first, and what was sent back since, by the figures of one more answer.

    Upstream has no figure of its own for a refund: the captured amount falls, or the status is `refunded` and the
    amount stays, falls or is zero.
    """
    captured, refunds, now = session.captured_minor, session.refunds, seen.captured_minor
    refunded = known(status) is Status.REFUNDED
    if not captured or (now is not None and now > captured):
        captured = _keep(now, captured)
        return captured, (Refund(None, seen.seen_at),) if refunded and captured else ()
    said = tuple(one for one in refunds if one.amount_minor is not None)
    left = captured - sum(one.amount_minor or 0 for one in said)
    if refunded and len(said) < len(refunds):
        return captured, refunds
    if now is not None and now < left:
        return captured, (*said, Refund(left - now, seen.seen_at))
    if refunded:
        just_now = known(session.status) is not Status.REFUNDED and left > 0
        return captured, (*said, Refund(None, seen.seen_at)) if just_now else refunds
    return captured, refunds if now is None else _taken_back(said, captured - now)


def _tax(session: Session, refunds: tuple[Refund, ...], seen: Observation) -> int | None:
    """The tax in what was captured first: after a refund upstream's figure may be that of what is left."""
    if refunds and session.tax_minor is not None:
        return session.tax_minor
    return _keep(seen.tax_minor, session.tax_minor)


def _taken_back(refunds: tuple[Refund, ...], total: int) -> tuple[Refund, ...]:
    """Upstream says that less was sent back than before: the newest refunds go, until `total` is left of them."""
    kept: list[Refund] = []
    for one in refunds:
        amount = min(one.amount_minor or 0, total)
        total -= amount
        if amount:
            kept.append(replace(one, amount_minor=amount))
    return tuple(kept)


def gone(session: Session, asked_at: datetime, now: datetime) -> Session:
    """Upstream answered 404 to a token that it gave. Once may be a slip and changes nothing else; twice means expired.

    What is known stays.
    """
    if _older(asked_at, session.asked_at):
        return session
    if session.gone_at is None:
        return replace(session, asked_at=asked_at, gone_at=now)
    return replace(session, phase=Phase.GONE, asked_at=asked_at, incomplete=False)


def moved_back(session: Session, by: timedelta) -> Session:
    """The session with all its times of the kiosk's own clock earlier by that much. Upstream's own times stay.

    For a start with an earlier clock: what was the newest becomes now, and every distance stays, as if the clock had
    gone on from where it was.
    """

    def moved(at: datetime | None) -> datetime | None:
        return at - by if at is not None else None

    last_live, wish = session.last_live, session.wish
    return replace(
        session,
        requested_at=session.requested_at - by,
        status_since=moved(session.status_since),
        connector_since=moved(session.connector_since),
        held_seen_at=moved(session.held_seen_at),
        asked_at=moved(session.asked_at),
        observed_at=moved(session.observed_at),
        fresh_at=moved(session.fresh_at),
        gone_at=moved(session.gone_at),
        back_at=moved(session.back_at),
        payment_shown_at=moved(session.payment_shown_at),
        wish=replace(wish, asked_at=wish.asked_at - by) if wish is not None else None,
        retry_at=moved(session.retry_at),
        given_up_at=moved(session.given_up_at),
        last_live=replace(last_live, at=last_live.at - by) if last_live is not None else None,
        trace=session.trace.moved_back(by),
        refunds=tuple(replace(one, seen_at=one.seen_at - by) for one in session.refunds),
        doubt=replace(session.doubt, since=session.doubt.since - by) if session.doubt is not None else None,
    )


def _is_behind(session: Session, before: str | None, status: str | None, seen: Observation) -> bool:
    """If it was under way together with the last answer, this one shows the earlier state."""
    if _went_back(before, status):
        return True
    if facts(before).group is not facts(status).group:
        return False
    return _meter_fell(session, seen) or (known(before), known(status)) == (Status.STOPPING, Status.CHARGING)


def _meter_fell(session: Session, seen: Observation) -> bool:
    """That answer shows less energy than the session has."""
    return seen.energy_kwh is not None and session.energy_kwh is not None and seen.energy_kwh < session.energy_kwh


def _overlaps(asked_at: datetime, answered_at: datetime | None) -> bool:
    """The question was under way when the last answer came."""
    return answered_at is not None and asked_at <= answered_at


def _older(asked_at: datetime, than: datetime | None) -> bool:
    """The question is older than the one answered last."""
    return than is not None and asked_at < than


def age(session: Session, now: datetime) -> timedelta | None:
    """How old the live figures are; None before the first."""
    return max(timedelta(0), now - session.fresh_at) if session.fresh_at is not None else None


def _runs(session: Session, status: str | None, before: str | None, seen: Observation) -> bool:
    """By this answer, and what was known before it, a charge runs: its figures are those of a running charge."""
    if known(status) is not None:
        return facts(status).group is Group.RUNNING
    told = replace(
        session,
        status=status,
        last_known=before,
        connector_status=seen.connector_status,
        authorized_minor=_keep(seen.authorized_minor, session.authorized_minor),
        authorized_at=_keep(seen.authorized_at, session.authorized_at),
        energy_kwh=_keep(seen.energy_kwh, session.energy_kwh),
        charging_started_at=_keep(seen.charging_started_at, session.charging_started_at),
        completed_at=_keep(seen.completed_at, session.completed_at),
        captured_at=_keep(seen.captured_at, session.captured_at),
    )
    return told.facts.group is Group.RUNNING


def _energy_is_old(trace: Trace, fresh_at: datetime | None) -> bool:
    return bool(trace.points) and fresh_at is not None and fresh_at - trace.points[-1].at > ENERGY_LASTS


def _held_seen_at(folded: Session, seen: Observation) -> datetime | None:
    """When this kiosk first saw the hold: its deadlines count from here, on its own clock, not on upstream's."""
    if folded.held_seen_at is not None:
        return folded.held_seen_at
    return seen.seen_at if folded.facts.group in {Group.PREPARING, Group.RUNNING} else None


def _connector_since(session: Session, seen: Observation) -> datetime | None:
    """When the connector's present word was first seen, on the kiosk's own clock."""
    if seen.connector_status is None:
        return None
    return session.connector_since if seen.connector_status == session.connector_status else seen.seen_at


def _doubt(session: Session, seen: Observation, tariff: Tariff | None) -> Doubt | None:
    """What is not believed of the figures that were seen, with what was not believed before; None: they count."""
    return weigh(
        session.doubt,
        _last_figures(session, tariff),
        Figures(seen.energy_kwh, seen.cost_minor),
        since=_figures_since(session),
        now=seen.seen_at,
        most_kw=session.most_kw,
        tariff=tariff,
    )


def _is_a_jump(session: Session, seen: Observation, tariff: Tariff | None) -> bool:
    """The figures are such as were doubted."""
    figures = Figures(seen.energy_kwh, seen.cost_minor)
    passed = seen.seen_at - _figures_since(session)
    return not is_possible(_last_figures(session, tariff), figures, passed, session.most_kw, tariff)


def _last_figures(session: Session, tariff: Tariff | None) -> Figures:
    """What the next figures are compared with; before the first ones nothing was charged."""
    energy = session.energy_kwh if session.energy_kwh is not None else Decimal(0)
    cost = session.cost_minor if session.cost_minor is not None else tariff.start_fee_minor if tariff else None
    return Figures(energy, cost)


def _figures_since(session: Session) -> datetime:
    """The earliest moment at which the meter can have come to the last figures."""
    rise = session.trace.last_rise()
    if rise is not None and session.trace.points[-1].energy_kwh == session.energy_kwh:
        return rise.after
    return session.requested_at


def _went_back(before: str | None, after: str | None) -> bool:
    old, new = _ORDER.get(facts(before).group), _ORDER.get(facts(after).group)
    return before is not None and old is not None and new is not None and new < old


def _keep(fresh: T | None, old: T | None) -> T | None:
    return fresh if fresh is not None else old
