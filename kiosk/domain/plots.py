"""What days of charging add up to: energy and money a day, use of the bays by hour, how starts end, time to power.

No figure is invented. What a session does not say makes its day "at least", what lies before the first session that is
known is no zero, and an hour that nobody has lived through yet has no share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from statistics import quantiles

from kiosk.domain.session import Phase
from kiosk.domain.status import ENDED_WITHOUT_PAYMENT, Status

HOURS = 24
_QUARTER = timedelta(minutes=15)
"""Every zone's hours begin at one of these."""
_DAY = timedelta(days=1)

Bay = tuple[str, int]
"""The code of a charger, and a connector."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is read of one session. A None is not known; of `began_at`, that nothing has flowed as far as is known."""

    code: str
    connector_id: int
    phase: str
    status: str | None
    requested_at: datetime
    held_at: datetime | None
    began_at: datetime | None
    completed_at: datetime | None
    ended_at: datetime | None
    energy_kwh: Decimal | None
    captured_minor: int | None
    currency: str | None

    @property
    def over_at(self) -> datetime | None:
        """When the charge was over, or whatever there was instead of one."""
        return self.completed_at or self.ended_at

    @property
    def costs_nothing(self) -> bool:
        """It ended so that nothing can have been taken."""
        return self.status in ENDED_WITHOUT_PAYMENT or self.phase in {Phase.REFUSED, Phase.NO_ANSWER, Phase.LEFT}


@dataclass(frozen=True, slots=True)
class DayTotal:
    """Of what ended on that day. `known` is false before the first session that there is, and after now. `so_far`: the
    day is not over. `energy_missing`, `taken_missing`: sessions of which that is not known, so the sums are at least.
    """

    day: date
    known: bool
    so_far: bool
    charges: int = 0
    energy_kwh: Decimal = Decimal(0)
    taken: Mapping[str, int] = field(default_factory=dict)
    energy_missing: int = 0
    taken_missing: int = 0


class Outcome(StrEnum):
    """How a start came out, from the best to the worst."""

    PAID = "paid"
    FREE = "free"  # it ended after a hold, and nothing was taken
    UNPAID = "unpaid"  # made, and left before it was paid
    LEFT = "left"  # left the line before it was sent
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    STUCK = "stuck"  # a person has to look
    LOST = "lost"  # not seen upstream any more
    OPEN = "open"


class Step(StrEnum):
    """How far starts came."""

    STARTED = "started"
    MADE = "made"
    HELD = "held"
    CHARGED = "charged"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Waits:
    """From the hold to the first power: how many within each bound, and how many later than the last. `half` and `most`
    are the middle one and the one that nine of ten do not pass; None: fewer than two were seen.
    """

    within: tuple[tuple[timedelta, int], ...]
    later: int
    half: timedelta | None
    most: timedelta | None


BOUNDS = tuple(timedelta(seconds=one) for one in (15, 30, 60, 120, 300))


def days_before(now: datetime, zone: tzinfo, count: int) -> tuple[date, ...]:
    """The last `count` days of that zone, today the last."""
    today = now.astimezone(zone).date()
    return tuple(today - _DAY * back for back in reversed(range(count)))


def begin_of(day: date, zone: tzinfo) -> datetime:
    """Its first moment."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def totals(
    rows: Iterable[Row], days: Sequence[date], zone: tzinfo, now: datetime, first: datetime | None
) -> tuple[DayTotal, ...]:
    """One for each of the days. `first`: when the first session that is known was asked for; None: there is none."""
    of_day: defaultdict[date, list[Row]] = defaultdict(list)
    for row in rows:
        if row.over_at is not None:
            of_day[row.over_at.astimezone(zone).date()].append(row)
    today = now.astimezone(zone).date()
    since = first.astimezone(zone).date() if first is not None else None
    return tuple(_total(day, of_day[day], since is not None and since <= day <= today, day == today) for day in days)


def _total(day: date, rows: Sequence[Row], known: bool, so_far: bool) -> DayTotal:
    taken: Counter[str] = Counter()
    energy, charges, no_energy, no_money = Decimal(0), 0, 0, 0
    for row in rows:
        charged = row.began_at is not None or bool(row.energy_kwh)
        charges += charged
        if row.energy_kwh is not None:
            energy += row.energy_kwh
        elif charged:
            no_energy += 1
        if row.captured_minor is not None and row.currency is not None:
            taken[row.currency] += row.captured_minor
        elif not row.costs_nothing:
            no_money += 1
    return DayTotal(day, known, so_far, charges, energy, dict(taken), no_energy, no_money)


def use(
    rows: Iterable[Row], bays: Sequence[Bay], since: datetime, now: datetime, zone: tzinfo
) -> dict[Bay, tuple[Decimal | None, ...]]:
    """Of each bay, for each hour of the day: the share of the time since `since` in which a car charged there. None:
    that hour has not been yet.
    """
    lived = Counter(_hour(at, zone) for at in _quarters(since, now))
    used: defaultdict[Bay, dict[int, timedelta]] = defaultdict(lambda: defaultdict(timedelta))
    for row in rows:
        if row.began_at is None:
            continue
        begin, end = max(row.began_at, since), min(row.over_at or now, now)
        hours = used[row.code, row.connector_id]
        for at in _quarters(begin, end):
            hours[_hour(at, zone)] += min(end, at + _QUARTER) - max(begin, at)
    return {bay: tuple(_share(used[bay].get(hour), lived[hour]) for hour in range(HOURS)) for bay in bays}


def _quarters(begin: datetime, end: datetime) -> Iterator[datetime]:
    """The beginnings of all quarters of an hour that have a part in it."""
    if begin >= end:
        return
    at = begin.astimezone(UTC).replace(minute=begin.minute - begin.minute % 15, second=0, microsecond=0)
    while at < end:
        yield at
        at += _QUARTER


def _hour(at: datetime, zone: tzinfo) -> int:
    return at.astimezone(zone).hour


def _share(used: timedelta | None, quarters: int) -> Decimal | None:
    if not quarters:
        return None
    share = Decimal((used or timedelta(0)) // timedelta(seconds=1)) / Decimal(quarters * 900)
    return min(share, Decimal(1))


def outcomes(rows: Iterable[Row]) -> Counter[Outcome]:
    return Counter(outcome_of(row) for row in rows)


def outcome_of(row: Row) -> Outcome:
    match row.phase:
        case Phase.REFUSED:
            return Outcome.REFUSED
        case Phase.NO_ANSWER:
            return Outcome.NO_ANSWER
        case Phase.LEFT:
            return Outcome.LEFT
    if row.status in {Status.CAPTURE_FAILED, Status.REQUIRES_REVIEW}:
        return Outcome.STUCK
    if row.status in {Status.CAPTURED, Status.REFUNDED}:
        return Outcome.FREE if row.captured_minor == 0 else Outcome.PAID
    if row.status in ENDED_WITHOUT_PAYMENT or row.status == Status.WRITTEN_OFF:
        return Outcome.FREE if row.held_at is not None else Outcome.UNPAID
    return Outcome.LOST if row.phase == Phase.GONE else Outcome.OPEN


def steps(rows: Iterable[Row]) -> dict[Step, int]:
    """How many starts came at least so far: whoever has paid has charged, and so on back."""
    found = Counter(_furthest(row) for row in rows)
    order = tuple(Step)
    return {step: sum(found[later] for later in order[at:]) for at, step in enumerate(order)}


def _furthest(row: Row) -> Step:
    if row.captured_minor:
        return Step.PAID
    if row.began_at is not None:
        return Step.CHARGED
    if row.held_at is not None:
        return Step.HELD
    return Step.MADE if row.status is not None else Step.STARTED


def waits(rows: Iterable[Row]) -> Waits:
    found = sorted(
        row.began_at - row.held_at
        for row in rows
        if row.began_at is not None and row.held_at is not None and row.began_at >= row.held_at
    )
    within = []
    before = 0
    for bound in BOUNDS:
        count = sum(one <= bound for one in found)
        within.append((bound, count - before))
        before = count
    half = most = None
    if len(found) > 1:
        tenths = quantiles([one.total_seconds() for one in found], n=10, method="inclusive")
        half, most = timedelta(seconds=round(tenths[4])), timedelta(seconds=round(tenths[8]))
    return Waits(tuple(within), len(found) - before, half, most)
