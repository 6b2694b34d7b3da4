"""What a person of the operator should look at: ends that lack a figure, contradict themselves, or do not come.

Nothing here is a fault of the kiosk's own rows (those are `kiosk/store/checks.py`); it is what nobody has told us, or
what nobody has seen to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from kiosk.domain.commands import Command, CommandState, Kind
from kiosk.domain.limits import Policy
from kiosk.domain.nightly import TOLD_AFTER, MonthWritten
from kiosk.domain.overdue import NEARLY, held_since, lapses_at, should_have_ended_by
from kiosk.domain.receipt import still_held
from kiosk.domain.refunding import RefundState, RefundWish
from kiosk.domain.session import Phase, Session, Unsaid
from kiosk.domain.status import ENDED_WITHOUT_PAYMENT, Group, Status

LOUD_AFTER, ALARM_AFTER = timedelta(hours=1), timedelta(hours=24)
SILENT_AFTER = timedelta(hours=3)
"""So long without a figure of a running charge somebody should look at its charger."""
LOOKED_WITHIN = timedelta(minutes=10)
"""So long after a command without an answer the session should have been read."""
SOME_KWH = Decimal("0.1")
REFUSED_IN_A_ROW = 5
REFUND_WITHIN = timedelta(hours=1)
"""By then a refund from the desk should have an end."""


class Attention(StrEnum):
    """Of a session, but for STARTS_REFUSED and PRICE_BREAKS_RULE, which are of a charger, and TABLES_NOT_WRITTEN:
    that one is of a site, and stands at its first charger.
    """

    HOLD_OVERDUE = "hold_overdue"  # its hold should have ended by now
    HOLD_LAPSES = "hold_lapses"  # the card gives its hold back soon, and nothing was taken yet
    CAPTURE_FAILED = "capture_failed"  # the energy was delivered, and the money could not be taken
    REVIEW = "review"  # a person of the back office has to check its figures
    AMOUNT_UNKNOWN = "amount_unknown"  # it has ended, and nobody has said how much was taken
    TAKEN_FOR_NOTHING = "taken_for_nothing"  # money was taken for a session that costs nothing
    TAKEN_WITHOUT_ENERGY = "taken_without_energy"  # money was taken, and no energy flowed
    ENERGY_FOR_NOTHING = "energy_for_nothing"  # energy flowed, and it ended without a payment
    HELD_FOR_NOTHING = "held_for_nothing"  # money is held for a session that has ended
    PAID_UNSEEN = "paid_unseen"  # the payment provider has the money, and upstream has not seen it
    MORE_THAN_HELD = "more_than_held"
    OTHER_AMOUNT = "other_amount"  # the payment provider received another amount than upstream says
    OTHER_PRICE = "other_price"  # a later answer named another price than that of the start
    STRANGE_WORD = "strange_word"  # upstream's word for it is one that nobody knows
    COMMAND_UNKNOWN = "command_unknown"  # nobody knows what became of what was asked, and nobody has looked since
    LOST = "lost"  # upstream knows it no more, and nothing proves its end
    CHARGER_SILENT = "charger_silent"  # it charges, and its charger has not been heard of for hours
    TWO_AT_ONE_BAY = "two_at_one_bay"
    STARTS_REFUSED = "starts_refused"  # the last starts at a charger were all refused
    PRICE_BREAKS_RULE = "price_breaks_rule"  # a fee beside the price per kWh at a fast charger (rule EU-05)
    REFUND_WITHOUT_END = "refund_without_end"  # nobody knows yet whether what the desk sent back arrived
    REFUND_REFUSED = "refund_refused"  # nothing of what the desk wanted to send back went back
    TABLES_NOT_WRITTEN = "tables_not_written"  # for a day nobody could write the tables of the site's month
    FIGURE_UNKNOWN = "figure_unknown"  # time or energy of its end are not known


class Level(StrEnum):
    NOTED = "noted"
    LOUD = "loud"
    ALARM = "alarm"


class Act(StrEnum):
    """The one thing that a person can do about it without making anything worse."""

    READ = "read"  # have the session read again
    STOP = "stop"
    CANCEL = "cancel"
    ASK_BACK_OFFICE = "ask_back_office"
    LOOK_AT_PAYMENT = "look_at_payment"  # at the payment provider
    LOOK_AT_REFUND = "look_at_refund"  # at the payment provider, and send nothing back there meanwhile
    LOOK_AT_CHARGER = "look_at_charger"
    SET_PRICE = "set_price"  # in the back office
    LOOK_AT_PLACE = "look_at_place"  # where the tables go


@dataclass(frozen=True, slots=True)
class Matter:
    """One reason to look. `subject` is the key of the session, or the code of the charger. `amount_minor` is what is
    at stake, None when nobody knows.
    """

    kind: Attention
    subject: str
    code: str
    since: datetime
    act: Act
    amount_minor: int | None = None
    currency: str | None = None

    @property
    def of_charger(self) -> bool:
        return self.kind in OF_CHARGER


OF_CHARGER = frozenset({Attention.STARTS_REFUSED, Attention.PRICE_BREAKS_RULE, Attention.TABLES_NOT_WRITTEN})
OF_REFUND = frozenset({Attention.REFUND_WITHOUT_END, Attention.REFUND_REFUSED})
"""Of a session, whatever is odd about itself: of its newest refund from the desk."""
_QUIET = frozenset(
    {
        Attention.FIGURE_UNKNOWN,
        Attention.OTHER_PRICE,
        Attention.STARTS_REFUSED,
        Attention.ENERGY_FOR_NOTHING,
        Attention.PRICE_BREAKS_RULE,
        Attention.TABLES_NOT_WRITTEN,
    }
)
"""Nobody's money waits for it."""
_UNDECIDED = frozenset({Phase.QUEUED, Phase.LEFT, Phase.NO_ANSWER})
"""Of a start: nobody has said whether the charger takes it."""
_ACTS = {
    Attention.HOLD_LAPSES: Act.ASK_BACK_OFFICE,
    Attention.CAPTURE_FAILED: Act.ASK_BACK_OFFICE,
    Attention.REVIEW: Act.ASK_BACK_OFFICE,
    Attention.AMOUNT_UNKNOWN: Act.LOOK_AT_PAYMENT,
    Attention.TAKEN_FOR_NOTHING: Act.LOOK_AT_PAYMENT,
    Attention.TAKEN_WITHOUT_ENERGY: Act.LOOK_AT_PAYMENT,
    Attention.ENERGY_FOR_NOTHING: Act.ASK_BACK_OFFICE,
    Attention.HELD_FOR_NOTHING: Act.LOOK_AT_PAYMENT,
    Attention.PAID_UNSEEN: Act.LOOK_AT_PAYMENT,
    Attention.MORE_THAN_HELD: Act.LOOK_AT_PAYMENT,
    Attention.OTHER_AMOUNT: Act.LOOK_AT_PAYMENT,
    Attention.OTHER_PRICE: Act.ASK_BACK_OFFICE,
    Attention.STRANGE_WORD: Act.ASK_BACK_OFFICE,
    Attention.COMMAND_UNKNOWN: Act.READ,
    Attention.LOST: Act.LOOK_AT_PAYMENT,
    Attention.CHARGER_SILENT: Act.LOOK_AT_CHARGER,
    Attention.TWO_AT_ONE_BAY: Act.LOOK_AT_CHARGER,
    Attention.STARTS_REFUSED: Act.LOOK_AT_CHARGER,
    Attention.FIGURE_UNKNOWN: Act.ASK_BACK_OFFICE,
    Attention.PRICE_BREAKS_RULE: Act.SET_PRICE,
    Attention.TABLES_NOT_WRITTEN: Act.LOOK_AT_PLACE,
    Attention.REFUND_WITHOUT_END: Act.LOOK_AT_REFUND,
    Attention.REFUND_REFUSED: Act.LOOK_AT_PAYMENT,
}


def attention(
    session: Session, now: datetime, policy: Policy | None = None, listed: Collection[Attention] = ()
) -> tuple[Attention, ...]:
    """What is odd about the session at `now`, the money first; empty for nearly every one.

    `listed` is what already stands in the list of it. A deadline that has passed is not asked about again then: a cable
    that is pulled and plugged in moves it, and what a person sees must not come and go with that.
    """
    if session.phase not in {Phase.OPEN, Phase.GONE}:
        return ()
    taken, proof, unsaid = session.taken_minor, session.proof, session.unsaid
    held = held_since(session)
    recorded = proof.received_minor if proof is not None and proof.ended else None
    ended_by, lapses = should_have_ended_by(session, policy or Policy()), lapses_at(session)
    found = {
        Attention.HOLD_OVERDUE: ended_by is not None and (now > ended_by or Attention.HOLD_OVERDUE in listed),
        Attention.HOLD_LAPSES: lapses is not None and not taken and now > lapses - NEARLY,
        Attention.CAPTURE_FAILED: session.known_status is Status.CAPTURE_FAILED and session.end is None,
        Attention.REVIEW: session.known_status is Status.REQUIRES_REVIEW and session.end is None,
        Attention.AMOUNT_UNKNOWN: Unsaid.AMOUNT in unsaid,
        Attention.TAKEN_FOR_NOTHING: Unsaid.FREE_AND_TAKEN in unsaid,
        Attention.TAKEN_WITHOUT_ENERGY: session.end is Status.CAPTURED and bool(taken) and session.energy_kwh == 0,
        Attention.ENERGY_FOR_NOTHING: _energy_for_nothing(session),
        Attention.HELD_FOR_NOTHING: still_held(session),
        Attention.PAID_UNSEEN: session.known_status is Status.CREATED
        and held is not None
        and now - held >= LOOKED_WITHIN,
        Attention.MORE_THAN_HELD: None not in {taken, session.authorized_minor}
        and (taken or 0) > (session.authorized_minor or 0),
        Attention.OTHER_AMOUNT: bool(session.captured_minor) and recorded not in {None, session.captured_minor},
        Attention.OTHER_PRICE: session.later_tariff is not None,
        Attention.STRANGE_WORD: session.status is not None and session.known_status is None,
        Attention.LOST: session.phase is Phase.GONE and session.end is None and session.ever_held,
        Attention.CHARGER_SILENT: _silent_since(session, now) is not None,
        Attention.FIGURE_UNKNOWN: bool(unsaid & {Unsaid.TIME, Unsaid.ENERGY}),
    }
    return tuple(what for what, is_so in found.items() if is_so)


def matters(
    sessions: Iterable[Session],
    commands: Iterable[Command],
    now: datetime,
    policy: Policy | None = None,
    listed: Mapping[str, Collection[Attention]] | None = None,
) -> list[Matter]:
    """Everything that a person should look at in these sessions. `commands` are those that ended without an answer,
    `listed` what stands in the list already, by the session's key.
    """
    policy, listed = policy or Policy(), listed or {}
    known = {one.key: one for one in sessions}
    found = [
        _matter(one, kind, now, policy)
        for one in known.values()
        for kind in attention(one, now, policy, listed.get(one.key, ()))
    ]
    for command in commands:
        session = known.get(command.session_key)
        if session is not None and _unlooked(session, command, now):
            at = command.ended_at or command.asked_at
            found.append(_made(session, Attention.COMMAND_UNKNOWN, at, Act.READ))
    by_bay: dict[tuple[str, int], list[Session]] = {}
    for session in known.values():
        if session.occupies:
            by_bay.setdefault((session.code, session.connector_id), []).append(session)
    for here in by_bay.values():
        for session in here if len(here) > 1 else ():
            found.append(_made(session, Attention.TWO_AT_ONE_BAY, session.requested_at, Act.LOOK_AT_CHARGER))
    return list({(one.kind, one.subject): one for one in found}.values())


def refused_starts(code: str, newest: Sequence[Session]) -> Matter | None:
    """Of a charger by its newest sessions, the newest first: the last REFUSED_IN_A_ROW starts were all refused.

    A start of which nobody knows yet whether it is taken says nothing: it neither ends the row nor makes it longer.
    """
    last = [one for one in newest if one.phase not in _UNDECIDED][:REFUSED_IN_A_ROW]
    if len(last) < REFUSED_IN_A_ROW or any(one.phase is not Phase.REFUSED for one in last):
        return None
    return Matter(Attention.STARTS_REFUSED, code, code, last[-1].requested_at, Act.LOOK_AT_CHARGER)


def broken_prices(breaks: Mapping[str, bool | None], now: datetime) -> tuple[list[Matter], set[str]]:
    """The chargers whose price breaks a rule, and all of which it is known whether it does: of those alone an older
    word is taken back. `breaks`: by code; None, nobody can tell now.
    """
    known = {code for code, is_so in breaks.items() if is_so is not None}
    found = [code for code in sorted(known) if breaks[code]]
    return [Matter(Attention.PRICE_BREAKS_RULE, code, code, now, Act.SET_PRICE) for code in found], known


def unwritten_tables(codes: Mapping[str, Sequence[str]], months: Iterable[MonthWritten], now: datetime) -> list[Matter]:
    """One for each site of which a month could not be written for a day. `codes`: of its chargers, by the site."""
    since: dict[str, datetime] = {}
    for one in months:
        listed, at = codes.get(one.site_id), one.failing_since
        if listed and at is not None and now - at >= TOLD_AFTER:
            since[listed[0]] = min(at, since.get(listed[0], at))
    kind = Attention.TABLES_NOT_WRITTEN
    return [Matter(kind, code, code, at, _ACTS[kind]) for code, at in sorted(since.items())]


def refund_matter(code: str, wish: RefundWish, now: datetime) -> Matter | None:
    """What a person should look at of the newest refund from the desk of a session at that charger; an older one was on
    the page on which the newest was asked for.
    """
    if wish.is_open and now - wish.asked_at >= REFUND_WITHIN:
        kind, since = Attention.REFUND_WITHOUT_END, wish.asked_at
    elif wish.state is RefundState.REFUSED:
        kind, since = Attention.REFUND_REFUSED, wish.ended_at or wish.asked_at
    else:
        return None
    return Matter(kind, wish.session_key, code, since, _ACTS[kind], wish.amount.minor, wish.amount.currency)


def happened_again(known: Matter, found: Matter) -> bool:
    """It is not what stands in the list, but the same once more: what somebody has seen to was the other one."""
    return found.kind is Attention.REFUND_REFUSED and found.since > known.since


def level_of(matter: Matter, now: datetime) -> Level:
    """How loud it is told: after an hour loudly, after a day as an alarm. What is about to lapse does not wait, nor
    what nobody tries any more.
    """
    if matter.kind in _QUIET:
        return Level.NOTED
    passed = now - matter.since
    if matter.kind is Attention.REFUND_REFUSED and passed < ALARM_AFTER:
        return Level.LOUD
    if matter.kind is Attention.HOLD_LAPSES:
        return Level.ALARM if passed >= NEARLY / 2 else Level.LOUD
    return Level.ALARM if passed >= ALARM_AFTER else Level.LOUD if passed >= LOUD_AFTER else Level.NOTED


def _matter(session: Session, kind: Attention, now: datetime, policy: Policy) -> Matter:
    since = session.status_since or session.requested_at
    act = _ACTS.get(kind, Act.READ)
    match kind:
        case Attention.HOLD_OVERDUE:
            since = should_have_ended_by(session, policy) or since
            act = Act.STOP if session.can_stop() else Act.CANCEL if session.can_cancel() else Act.LOOK_AT_PAYMENT
        case Attention.HOLD_LAPSES:
            since = (lapses_at(session) or now) - NEARLY
        case Attention.PAID_UNSEEN:
            since = held_since(session) or since
        case Attention.LOST:
            since = session.gone_at or since
        case Attention.CHARGER_SILENT:
            since = _silent_since(session, now) or since
    return _made(session, kind, since, act)


def _made(session: Session, kind: Attention, since: datetime, act: Act) -> Matter:
    amount = session.taken_minor if session.end is not None and session.taken_minor else session.held_minor
    if kind is Attention.ENERGY_FOR_NOTHING and session.tariff is not None and session.energy_kwh is not None:
        amount = session.tariff.example(session.energy_kwh).minor
    return Matter(kind, session.key, session.code, since, act, amount, session.currency)


def _silent_since(session: Session, now: datetime) -> datetime | None:
    if session.phase is not Phase.OPEN or session.facts.group is not Group.RUNNING:
        return None
    heard = session.fresh_at or session.status_since or session.requested_at
    return heard if now - heard >= SILENT_AFTER else None


def _energy_for_nothing(session: Session) -> bool:
    """It ended, by whatever word, and nothing was taken for energy that has its price. What a person wrote off is not
    meant, and an amount that nobody has said is another matter.
    """
    ended = session.end in ENDED_WITHOUT_PAYMENT or (session.end is Status.CAPTURED and session.taken_minor == 0)
    free = session.tariff is not None and session.tariff.free
    return ended and not session.taken_minor and (session.energy_kwh or 0) >= SOME_KWH and not free


def _unlooked(session: Session, command: Command, now: datetime) -> bool:
    """Nobody has read the session since, and there was time for it."""
    ended = command.ended_at
    if command.state is not CommandState.UNKNOWN or command.kind is Kind.START or session.final or ended is None:
        return False
    return now - ended >= LOOKED_WITHIN and not (session.asked_at is not None and session.asked_at > ended)
