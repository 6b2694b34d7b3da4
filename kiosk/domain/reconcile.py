"""Every charge of the kiosk against the charger's own transactions: what agrees, what differs, what only one side has.

Nothing of upstream links the two but charger, connector, time and energy. Unlike `kiosk.domain.matching`, which makes
no match that is not sure because a receipt is made from it, this pairs what fits best and says why, since a person
reads it. Each row is used exactly once, and the order of the rows does not matter. A figure that nobody has told is
unknown: it is counted as such and never as zero.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from kiosk.domain.money import Money
from kiosk.domain.session import HoldProof, Phase, Session
from kiosk.domain.site_board import SiteTransaction
from kiosk.domain.status import Group
from kiosk.domain.tariff import Tariff

SAME_BEGIN = timedelta(minutes=2)
"""No two charges begin at one connector within so short a time, so a beginning that agrees is enough."""
SLACK = timedelta(minutes=5)
"""So far the clocks of charger, back office and kiosk may be apart before the time counts as different."""
REACH = timedelta(hours=3)
"""Nobody looks further for a partner: a clock that was set back or forward, or a zone left out, is one or two hours."""
SAME_KWH = Decimal("0.02")
"""Both sides round to a hundredth of a kWh, so they may be apart by one step each."""
TAGS_ARE_KNOWN_FROM = 3
"""After so many sure pairs the tags of the public sessions here are known, and another tag is somebody else's card."""
_NO_TIME = datetime.max.replace(tzinfo=UTC)


class State(StrEnum):
    """What stands at the end of one line."""

    AGREES = "agrees"
    DIFFERS = "differs"
    ONLY_HERE = "only_here"
    ONLY_THERE = "only_there"
    GOES_ON = "goes_on"  # one side or both have not ended: nothing to say yet
    SET_ASIDE = "set_aside"


class Reason(StrEnum):
    """Why a line has its state. More than one may hold."""

    NOTHING_CHARGED = "nothing_charged"  # no energy and no money: nothing is missing at the charger
    NO_TRANSACTION = "no_transaction"  # the charger has none that fits
    NO_SESSION = "no_session"  # nobody came through this kiosk
    OTHER_TAG = "other_tag"  # begun with a card that no public session here has
    GOES_ON = "goes_on"
    ENERGY = "energy"  # the meter counted another energy than was billed
    NO_ENERGY = "no_energy"  # the session's energy was never told
    NO_METER = "no_meter"  # the transaction has no two meter stands that make sense
    TIME = "time"  # begin or end are further apart than clocks may be
    AMOUNT = "amount"  # the payment's own record has another amount
    REFUND = "refund"  # the payment's own record has another refund
    NO_AMOUNT = "no_amount"  # nobody has said what was taken
    NO_RECORD = "no_record"  # something was taken, and the payment itself was never read
    TAKEN_WITHOUT_ENERGY = "taken_without_energy"
    ENERGY_WITHOUT_TAKING = "energy_without_taking"
    ABOVE_HOLD = "above_hold"
    PRICE = "price"  # what was taken is not what price and energy come to, nor the hold
    INVALID = "invalid"  # the back office itself calls the transaction invalid
    TOTAL = "total"  # the back office's own total is not what its meter stands come to
    TWO_FIT = "two_fit"  # another one fits as well


NOTES = frozenset({Reason.NOTHING_CHARGED, Reason.OTHER_TAG, Reason.GOES_ON, Reason.TOTAL, Reason.TWO_FIT})
"""They are told beside a line and make no difference of it."""


@dataclass(frozen=True, slots=True)
class Charge:
    """The kiosk's side of a line. `mark` names the session in logs and at the desk; its key is a secret.

    `at` is when it ended, else when it began. `expected`: a transaction must exist, because energy or money moved.
    `taken` is None when nobody has said; `recorded` and `recorded_back` are what the payment's own record says.
    """

    key: str = field(repr=False)
    mark: str
    code: str
    connector_id: int
    begun_at: datetime
    sure_begin: bool
    ended_at: datetime | None
    goes_on: bool
    energy_kwh: Decimal | None
    tariff: Tariff | None
    held: Money | None
    taken: Money | None
    sent_back: Money | None
    recorded: Money | None
    recorded_back: Money | None
    expected: bool
    intent_id: str | None = None

    @property
    def at(self) -> datetime:
        return self.ended_at or self.begun_at


@dataclass(frozen=True, slots=True)
class Line:
    """One pair, or one that is alone. `score` is 0 to 100: how well the two fit, 0 without a partner.

    `amount` and `energy_kwh` are what stays unexplained of it, both zero or more; None is unknown.
    """

    id: str
    at: datetime | None
    code: str | None
    state: State
    reasons: tuple[Reason, ...]
    charge: Charge | None
    transaction: SiteTransaction | None
    score: int
    amount: Money | None
    energy_kwh: Decimal | None

    @property
    def explained(self) -> bool:
        return self.state in {State.AGREES, State.GOES_ON, State.SET_ASIDE} or Reason.OTHER_TAG in self.reasons


@dataclass(frozen=True, slots=True)
class Sums:
    """What lines come to. Amounts by currency, in minor units. `energy_here` is what the kiosk billed for, `by_meter`
    what the meter stands come to, `reported` the back office's own totals; the counts tell how many rows were left out
    of a sum because nobody has told the figure. `open_lines` is how many are not explained.
    """

    lines: Mapping[State, int]
    open_lines: int
    taken: Mapping[str, int]
    sent_back: Mapping[str, int]
    unexplained: Mapping[str, int]
    unexplained_kwh: Decimal
    unknown_amounts: int
    unknown_energies: int
    energy_here: Decimal
    by_meter: Decimal
    without_meter: int
    reported: Decimal
    not_reported: int


def charge_of(session: Session, mark: str, intent_id: str | None = None) -> Charge | None:
    """None for what never came to a session: refused, unanswered, left in the line."""
    if session.phase not in {Phase.OPEN, Phase.GONE}:
        return None
    taken = session.money(session.taken_minor)
    began = session.charging_started_at
    goes_on = session.end is None
    moved = bool(session.energy_kwh) or bool(taken is not None and taken.minor)
    # A charge whose end nobody knows may have moved energy; one that was never paid and never began has not.
    expected = moved or began is not None or session.facts.group in {Group.RUNNING, Group.SETTLING, Group.OPERATOR}
    return Charge(
        key=session.key,
        mark=mark,
        code=session.code,
        connector_id=session.connector_id,
        begun_at=began or session.authorized_at or session.requested_at,
        sure_begin=began is not None,
        ended_at=session.completed_at or (None if goes_on else session.status_since),
        goes_on=goes_on,
        energy_kwh=session.energy_kwh,
        tariff=session.tariff,
        held=session.money(session.authorized_minor),
        taken=taken if not goes_on else None,
        sent_back=_sent_back(session, taken),
        recorded=_recorded(session, session.proof),
        recorded_back=session.money(session.proof.refunded_minor if session.proof is not None else None),
        expected=expected,
        intent_id=intent_id,
    )


def reconcile(
    charges: Iterable[Charge],
    transactions: Iterable[SiteTransaction],
    codes: Mapping[str, str],
    aside: Collection[str] = (),
    *,
    records: bool = False,
) -> tuple[Line, ...]:
    """One line for every charge and for every transaction that no charge has, in the order of their time.

    `codes` are public codes by the uuid of a charger: a transaction of another one has no code and no partner. `aside`
    are the ids of lines that a person has set aside. `records`: payments are read at the provider, so that one without
    a record is missing. A charge or transaction that is given twice counts once.
    """
    here = _by_key(charges)
    there = _by_number(transactions)
    pairs = _pairs(here, there, codes)
    partner = {pair.charge.key: pair for pair in pairs}
    used = {pair.transaction.id for pair in pairs}
    tags = _tags(pairs)
    lines = [_line(charge, partner.get(charge.key), records=records) for charge in here]
    lines += [_alone(one, _code(one, codes), tags) for one in there if one.id not in used]
    return tuple(sorted((_put_aside(one, aside) for one in lines), key=_order))


def sums_of(lines: Iterable[Line]) -> Sums:
    """What the lines come to: the sum over any split of them is the sum over all."""
    states: Counter[State] = Counter()
    taken: Counter[str] = Counter()
    back: Counter[str] = Counter()
    open_money: Counter[str] = Counter()
    open_kwh = here = by_meter = reported = Decimal(0)
    open_lines = unknown_amounts = unknown_energies = without_meter = not_reported = 0
    for line in lines:
        states[line.state] += 1
        charge, transaction = line.charge, line.transaction
        if charge is not None:
            _add(taken, charge.taken)
            _add(back, charge.sent_back)
            here += charge.energy_kwh or 0
        if transaction is not None:
            counted = transaction.energy_kwh()
            by_meter += counted or 0
            without_meter += counted is None
            reported += transaction.reported_kwh or 0
            not_reported += transaction.reported_kwh is None
        if line.explained:
            continue
        open_lines += 1
        _add(open_money, line.amount)
        open_kwh += line.energy_kwh or 0
        unknown_amounts += line.amount is None
        unknown_energies += line.energy_kwh is None
    return Sums(
        lines=dict(states),
        open_lines=open_lines,
        taken=dict(taken),
        sent_back=dict(back),
        unexplained=dict(open_money),
        unexplained_kwh=open_kwh,
        unknown_amounts=unknown_amounts,
        unknown_energies=unknown_energies,
        energy_here=here,
        by_meter=by_meter,
        without_meter=without_meter,
        reported=reported,
        not_reported=not_reported,
    )


# --- who belongs to whom


@dataclass(frozen=True, slots=True)
class _Pair:
    """`witnesses` is how many of begin, end and energy agree."""

    charge: Charge
    transaction: SiteTransaction
    witnesses: int
    apart: timedelta
    energy_apart: Decimal | None
    two_fit: bool = False

    @property
    def rank(self) -> tuple[object, ...]:
        """The best first, and the same whatever the order they came in."""
        return (
            -self.witnesses,
            self.apart,
            Decimal("Infinity") if self.energy_apart is None else self.energy_apart,
            self.charge.begun_at,
            self.charge.key,
            self.transaction.id,
        )


def _pairs(here: Sequence[Charge], there: Sequence[SiteTransaction], codes: Mapping[str, str]) -> list[_Pair]:
    by_bay: dict[tuple[str, int], list[tuple[datetime, int, SiteTransaction]]] = {}
    for one in there:
        code, at = _code(one, codes), one.started_at or one.stopped_at
        if code is not None and one.connector_id is not None and at is not None:
            by_bay.setdefault((code, one.connector_id), []).append((at, one.id, one))
    for listed in by_bay.values():
        listed.sort(key=lambda row: row[:2])
    candidates = [pair for charge in here for pair in _candidates(charge, by_bay)]
    candidates.sort(key=lambda pair: pair.rank)
    for_charge = Counter((pair.charge.key, pair.witnesses) for pair in candidates)
    for_transaction = Counter((pair.transaction.id, pair.witnesses) for pair in candidates)
    charges: set[str] = set()
    numbers: set[int] = set()
    chosen = []
    for pair in candidates:
        if pair.charge.key in charges or pair.transaction.id in numbers:
            continue
        charges.add(pair.charge.key)
        numbers.add(pair.transaction.id)
        others = for_charge[pair.charge.key, pair.witnesses] + for_transaction[pair.transaction.id, pair.witnesses] - 2
        chosen.append(replace(pair, two_fit=others > 0))
    return chosen


def _candidates(
    charge: Charge, by_bay: Mapping[tuple[str, int], Sequence[tuple[datetime, int, SiteTransaction]]]
) -> Iterator[_Pair]:
    listed = by_bay.get((charge.code, charge.connector_id), ())
    for at, _, transaction in listed[bisect_left(listed, charge.begun_at - REACH, key=lambda row: row[0]) :]:
        if at > charge.begun_at + REACH:
            return
        pair = _pair(charge, transaction)
        if pair is not None:
            yield pair


def _pair(charge: Charge, transaction: SiteTransaction) -> _Pair | None:
    """Begin, end and energy are three witnesses: two of them are enough, or a sure beginning that is the very same."""
    apart = _apart(charge.begun_at, transaction.started_at)
    end_apart = _apart(charge.ended_at, transaction.stopped_at)
    counted = transaction.energy_kwh()
    energy = None if counted is None or charge.energy_kwh is None else abs(counted - charge.energy_kwh)
    begins = apart is not None and apart <= SLACK
    ends = end_apart is not None and end_apart <= SLACK
    measures = energy is not None and energy <= SAME_KWH and bool(charge.energy_kwh)
    same = charge.sure_begin and apart is not None and apart <= SAME_BEGIN
    # An energy that agrees is weak alone: many cars take the same. A clock that is wrong is wrong at both ends.
    shifted = measures and charge.sure_begin and _same_length(charge, transaction)
    witnesses = begins + ends + measures
    if witnesses >= 2 or same or shifted or (begins and transaction.active and charge.goes_on):
        return _Pair(charge, transaction, witnesses, apart if apart is not None else REACH, energy)
    return None


def _same_length(charge: Charge, transaction: SiteTransaction) -> bool:
    if charge.ended_at is None or transaction.started_at is None or transaction.stopped_at is None:
        return False
    ours, theirs = charge.ended_at - charge.begun_at, transaction.stopped_at - transaction.started_at
    return abs(ours - theirs) <= SLACK


def _apart(ours: datetime | None, theirs: datetime | None) -> timedelta | None:
    return None if ours is None or theirs is None else abs(ours - theirs)


def _tags(pairs: Iterable[_Pair]) -> frozenset[str]:
    """The tags of public sessions, as far as sure pairs tell them; empty while too few do."""
    sure = [pair.transaction.id_tag for pair in pairs if pair.witnesses == 3 and not pair.two_fit]
    known = [tag for tag in sure if tag]
    return frozenset(known) if len(known) >= TAGS_ARE_KNOWN_FROM and len(known) == len(sure) else frozenset()


def _code(transaction: SiteTransaction, codes: Mapping[str, str]) -> str | None:
    uuid = transaction.charger.uuid if transaction.charger is not None else None
    return codes.get(uuid) if uuid is not None else None


# --- what it comes to


def _line(charge: Charge, pair: _Pair | None, *, records: bool) -> Line:
    transaction = pair.transaction if pair is not None else None
    reasons = set(_about_money(charge, records=records))
    if pair is not None and transaction is not None:
        reasons |= set(_about_pair(charge, transaction, pair))
    elif charge.expected and not charge.goes_on:
        reasons.add(Reason.NO_TRANSACTION)
    elif not charge.expected and not charge.goes_on:
        reasons.add(Reason.NOTHING_CHARGED)
    if charge.goes_on or (transaction is not None and transaction.active):
        # Before both have ended nothing can be compared.
        state, reasons = State.GOES_ON, {Reason.GOES_ON}
    elif Reason.NO_TRANSACTION in reasons:
        state = State.ONLY_HERE
    elif reasons - NOTES:
        state = State.DIFFERS
    else:
        state = State.AGREES
    told = tuple(sorted(reasons))
    return Line(
        id=f"s-{charge.mark}" + (f"-t-{transaction.id}" if transaction is not None else ""),
        at=charge.at,
        code=charge.code,
        state=state,
        reasons=told,
        charge=charge,
        transaction=transaction,
        score=_score(pair),
        amount=_open_amount(charge, transaction, state, reasons),
        energy_kwh=_open_energy(charge, transaction, state, reasons),
    )


def _alone(transaction: SiteTransaction, code: str | None, tags: frozenset[str]) -> Line:
    reasons = {Reason.NO_SESSION}
    state = State.ONLY_THERE
    if transaction.active:
        state, reasons = State.GOES_ON, {Reason.GOES_ON}
    else:
        reasons |= set(_about_meter(transaction))
        if tags and transaction.id_tag and transaction.id_tag not in tags:
            reasons.add(Reason.OTHER_TAG)
    other = state is State.GOES_ON or Reason.OTHER_TAG in reasons
    return Line(
        id=f"t-{transaction.id}",
        at=transaction.stopped_at or transaction.started_at,
        code=code,
        state=state,
        reasons=tuple(sorted(reasons)),
        charge=None,
        transaction=transaction,
        score=0,
        amount=None,
        energy_kwh=Decimal(0) if other else transaction.energy_kwh(),
    )


def _about_money(charge: Charge, *, records: bool) -> Iterator[Reason]:
    """What the kiosk's own figures and the payment's record say of each other."""
    if charge.goes_on:
        return
    taken, held = charge.taken, charge.held
    if taken is None:
        if charge.expected:
            yield Reason.NO_AMOUNT
        return
    if held is not None and taken.minor > held.minor:
        yield Reason.ABOVE_HOLD
    if charge.recorded is not None and charge.recorded != taken:
        yield Reason.AMOUNT
    if records and charge.recorded is None and taken.minor:
        yield Reason.NO_RECORD
    if charge.recorded_back is not None and charge.recorded_back.minor != _minor(charge.sent_back):
        yield Reason.REFUND
    if charge.energy_kwh is None:
        if charge.expected:
            yield Reason.NO_ENERGY
        return
    fee = charge.tariff.start_fee_minor if charge.tariff is not None else 0
    if taken.minor > fee and charge.energy_kwh == 0:
        yield Reason.TAKEN_WITHOUT_ENERGY
    if taken.minor == 0 and charge.energy_kwh >= SAME_KWH and not _is_free(charge.tariff):
        yield Reason.ENERGY_WITHOUT_TAKING
    elif taken.minor and charge.energy_kwh and charge.tariff is not None and _other_price(charge, charge.tariff, taken):
        yield Reason.PRICE


def _about_pair(charge: Charge, transaction: SiteTransaction, pair: _Pair) -> Iterator[Reason]:
    begin = _apart(charge.begun_at, transaction.started_at) if charge.sure_begin else None
    end = _apart(charge.ended_at, transaction.stopped_at)
    if (begin is not None and begin > SLACK) or (end is not None and end > SLACK):
        yield Reason.TIME
    if pair.energy_apart is not None and pair.energy_apart > SAME_KWH:
        yield Reason.ENERGY
    counted = transaction.energy_kwh()
    if counted is not None and counted > SAME_KWH and not charge.energy_kwh:
        if charge.energy_kwh is None:
            yield Reason.NO_ENERGY
        if charge.taken is not None and charge.taken.minor == 0 and not _is_free(charge.tariff):
            yield Reason.ENERGY_WITHOUT_TAKING
    if pair.two_fit:
        yield Reason.TWO_FIT
    yield from _about_meter(transaction)


def _about_meter(transaction: SiteTransaction) -> Iterator[Reason]:
    counted = transaction.energy_kwh()
    if counted is None:
        yield Reason.NO_METER
    elif transaction.reported_kwh is not None and abs(transaction.reported_kwh - counted) > SAME_KWH:
        yield Reason.TOTAL
    if transaction.is_valid is False:
        yield Reason.INVALID


def _other_price(charge: Charge, tariff: Tariff, taken: Money) -> bool:
    """Neither price times energy, within a rounding of two steps, nor the hold at which a bill is cut."""
    if tariff.currency != taken.currency or charge.energy_kwh is None:
        return True
    bill = tariff.example(charge.energy_kwh)
    # Upstream's energy is rounded to a hundredth of a kWh, which at this price may be so much.
    rounding = max(2, int(tariff.price_per_kwh_minor * SAME_KWH) + 1)
    cut = charge.held is not None and taken == charge.held and bill.minor > taken.minor
    return not cut and abs(bill.minor - taken.minor) > rounding


def _open_amount(
    charge: Charge, transaction: SiteTransaction | None, state: State, reasons: Set[Reason]
) -> Money | None:
    """How much of this line's money is not explained: an estimate where an energy differs, and called so."""
    currency = charge.taken.currency if charge.taken is not None else None
    if state in {State.AGREES, State.GOES_ON}:
        return Money(0, currency) if currency is not None else None
    if charge.taken is None:
        return None
    if Reason.NO_METER in reasons or (Reason.NO_ENERGY in reasons and charge.taken.minor):
        return charge.taken if charge.taken.minor else None
    parts = [0]
    if state is State.ONLY_HERE or Reason.TAKEN_WITHOUT_ENERGY in reasons or Reason.NO_RECORD in reasons:
        parts.append(charge.taken.minor)
    if Reason.ABOVE_HOLD in reasons and charge.held is not None:
        parts.append(charge.taken.minor - charge.held.minor)
    if Reason.AMOUNT in reasons and charge.recorded is not None:
        parts.append(abs(charge.recorded.minor - charge.taken.minor))
    if Reason.REFUND in reasons and charge.recorded_back is not None:
        parts.append(abs(charge.recorded_back.minor - _minor(charge.sent_back)))
    if not reasons.isdisjoint({Reason.ENERGY, Reason.ENERGY_WITHOUT_TAKING, Reason.PRICE}):
        counted = transaction.energy_kwh() if transaction is not None else charge.energy_kwh
        if charge.tariff is None or counted is None or charge.tariff.currency != charge.taken.currency:
            return None
        bill = charge.tariff.example(counted).minor
        parts.append(abs(min(bill, charge.held.minor if charge.held is not None else bill) - charge.taken.minor))
    return Money(max(parts), charge.taken.currency)


def _open_energy(
    charge: Charge, transaction: SiteTransaction | None, state: State, reasons: Set[Reason]
) -> Decimal | None:
    if state in {State.AGREES, State.GOES_ON}:
        return Decimal(0)
    if state is State.ONLY_HERE or transaction is None:
        return charge.energy_kwh
    counted = transaction.energy_kwh()
    if counted is not None and Reason.ENERGY_WITHOUT_TAKING in reasons:
        return counted
    if counted is None or charge.energy_kwh is None:
        return None
    return abs(counted - charge.energy_kwh) if Reason.ENERGY in reasons else Decimal(0)


def _score(pair: _Pair | None) -> int:
    """30 for each witness; the rest goes with the minutes that the beginnings are apart."""
    if pair is None:
        return 0
    near = max(Decimal(0), 1 - Decimal(int(pair.apart.total_seconds())) / int(SLACK.total_seconds()))
    return 30 * pair.witnesses + int(10 * near)


def _put_aside(line: Line, aside: Collection[str]) -> Line:
    if line.id not in aside or line.state in {State.AGREES, State.GOES_ON}:
        return line
    return replace(line, state=State.SET_ASIDE)


# --- small things


def _by_key(charges: Iterable[Charge]) -> list[Charge]:
    """Each once, in one order: of two readings of a session the one that ended, and then the later end."""
    newest: dict[str, Charge] = {}
    for one in charges:
        other = newest.get(one.key)
        if other is None or _age(one) > _age(other):
            newest[one.key] = one
    return sorted(newest.values(), key=lambda one: (one.begun_at, one.key))


def _age(charge: Charge) -> tuple[bool, datetime, int, Decimal, str]:
    return (not charge.goes_on, charge.at, _minor(charge.taken), charge.energy_kwh or Decimal(0), repr(charge))


def _by_number(transactions: Iterable[SiteTransaction]) -> list[SiteTransaction]:
    """Each once, in one order: of two rows of one number the one that has ended, then the one that tells more."""
    newest: dict[int, SiteTransaction] = {}
    for one in transactions:
        other = newest.get(one.id)
        if other is None or _fullness(one) > _fullness(other):
            newest[one.id] = one
    return sorted(newest.values(), key=lambda one: one.id)


def _fullness(transaction: SiteTransaction) -> tuple[bool, int, int, str, str]:
    """To the last field, so that the order of the rows decides nothing; its tag is not in its repr."""
    stop = transaction.meter_stop_wh
    return (not transaction.active, stop is not None, stop or 0, repr(transaction), transaction.id_tag or "")


def _order(line: Line) -> tuple[bool, datetime, str]:
    return (line.at is None, line.at or _NO_TIME, line.id)


def _sent_back(session: Session, taken: Money | None) -> Money | None:
    """None when something was sent back and nobody has said what was taken before."""
    if any(one.amount_minor is None for one in session.refunds):
        return taken
    total = sum(one.amount_minor or 0 for one in session.refunds)
    return session.money(total)


def _recorded(session: Session, proof: HoldProof | None) -> Money | None:
    """What the payment's own record says was taken; None while it does not stand still."""
    if proof is None or not proof.ended:
        return None
    return session.money(proof.received_minor)


def _minor(money: Money | None) -> int:
    return money.minor if money is not None else 0


def _add(sums: Counter[str], money: Money | None) -> None:
    if money is not None:
        sums[money.currency] += money.minor


def _is_free(tariff: Tariff | None) -> bool:
    return tariff is not None and tariff.free
