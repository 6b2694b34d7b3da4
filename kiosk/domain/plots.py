"""What days of charging add up to: energy and money a day, use of the bays by hour, how starts end, time to power.

No figure is invented. What a session does not say makes its day "at least", what lies before the first session that is
known is no zero, and an hour that nobody has lived through yet has no share. A day that is over is added up once
(`DaySums`), and sums of days are put together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate
from typing import TypeVar

from kiosk.domain.session import Phase
from kiosk.domain.status import ENDED_WITHOUT_PAYMENT, Status

HOURS = 24
_QUARTER = timedelta(minutes=15)
"""Every zone's hours begin at one of these."""
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
LONGEST_CHARGE = timedelta(days=2)
"""What ends on a day, or keeps a bay on it, was asked for at most so long before it begins."""

K = TypeVar("K")

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


@dataclass(frozen=True, slots=True)
class DaySums:
    """What one day adds up to. `used`: of each bay the time in use within each hour, in microseconds. `outcomes`,
    `furthest` and `waits` are of the starts that were asked for on it; `waits` by whole seconds, begun ones counted.
    """

    total: DayTotal
    used: Mapping[Bay, Mapping[int, int]] = field(default_factory=dict)
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    furthest: Mapping[Step, int] = field(default_factory=dict)
    waits: Mapping[int, int] = field(default_factory=dict)


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


def _total(day: date, rows: Sequence[Row], *, known: bool, so_far: bool) -> DayTotal:
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


def sums_of_day(rows: Iterable[Row], day: date, zone: tzinfo, now: datetime) -> DaySums:
    """What these sessions, asked for from `LONGEST_CHARGE` before the day on, make of it."""
    begin, end = begin_of(day, zone), begin_of(day + _DAY, zone)
    near = [row for row in rows if begin - LONGEST_CHARGE <= row.requested_at < end]
    started = [row for row in near if row.requested_at >= begin]
    over = [row for row in near if row.over_at is not None and begin <= row.over_at < end]
    return DaySums(
        total=_total(day, over, known=True, so_far=begin <= now < end),
        used=_used(near, begin, min(end, now), now, zone),
        outcomes=outcomes(started),
        furthest=Counter(_furthest(row) for row in started),
        waits=_waits(started),
    )


def known_days(sums: Iterable[DaySums], zone: tzinfo, now: datetime, first: datetime | None) -> tuple[DayTotal, ...]:
    """The totals of these days. `first`: when the first session that is known was asked for; None: there is none."""
    today = now.astimezone(zone).date()
    since = first.astimezone(zone).date() if first is not None else None
    return tuple(
        replace(one.total, known=since is not None and since <= one.total.day <= today, so_far=one.total.day == today)
        for one in sums
    )


def months(days: Iterable[DayTotal]) -> tuple[DayTotal, ...]:
    """The same by month, each called by its first day that is among them. One of which a day is not known, or not over,
    is `so_far`."""
    of_month: dict[tuple[int, int], list[DayTotal]] = defaultdict(list)
    for one in days:
        of_month[one.day.year, one.day.month].append(one)
    return tuple(_month(ones) for ones in of_month.values())


def _month(days: Sequence[DayTotal]) -> DayTotal:
    taken: Counter[str] = Counter()
    for one in days:
        taken.update(one.taken)
    return DayTotal(
        day=days[0].day,
        known=any(one.known for one in days),
        so_far=any(one.so_far or not one.known for one in days),
        charges=sum(one.charges for one in days),
        energy_kwh=sum((one.energy_kwh for one in days), Decimal(0)),
        taken=dict(taken),
        energy_missing=sum(one.energy_missing for one in days),
        taken_missing=sum(one.taken_missing for one in days),
    )


def use(
    sums: Iterable[DaySums], bays: Sequence[Bay], since: datetime, now: datetime, zone: tzinfo
) -> dict[Bay, tuple[Decimal | None, ...]]:
    """Of each bay, for each hour of the day: the share of the time since `since` in which a car charged there. None:
    that hour has not been yet.
    """
    lived = _lived(since, now, zone)
    used: defaultdict[Bay, Counter[int]] = defaultdict(Counter)
    for one in sums:
        for bay, hours in one.used.items():
            used[bay].update(hours)
    return {bay: tuple(_share(used[bay][hour], lived[hour]) for hour in range(HOURS)) for bay in bays}


def _used(
    rows: Iterable[Row], begin: datetime, end: datetime, now: datetime, zone: tzinfo
) -> dict[Bay, dict[int, int]]:
    used: defaultdict[Bay, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if row.began_at is None:
            continue
        since, until = max(row.began_at, begin), min(row.over_at or now, end)
        for at in _quarters(since, until):
            part = min(until, at + _QUARTER) - max(since, at)
            used[row.code, row.connector_id][_hour(at, zone)] += part // timedelta(microseconds=1)
    return {bay: dict(hours) for bay, hours in used.items()}


def _lived(since: datetime, now: datetime, zone: tzinfo) -> Counter[int]:
    """How many quarters of each hour of the day have a part in that time: four of each on a day on which no clock is
    set, so that a year is not counted quarter by quarter."""
    lived: Counter[int] = Counter()
    at = since
    while at < now:
        day = at.astimezone(zone).date()
        begin, end = begin_of(day, zone), begin_of(day + _DAY, zone)
        if at == begin and end <= now and end - begin == _DAY:
            lived.update(dict.fromkeys(range(HOURS), 4))
        else:
            lived.update(_hour(one, zone) for one in _quarters(at, min(end, now)))
        at = end
    return lived


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


def _share(used: int, quarters: int) -> Decimal | None:
    if not quarters:
        return None
    return min(Decimal(used // 1_000_000) / Decimal(quarters * 900), Decimal(1))


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


def steps(furthest: Mapping[Step, int]) -> dict[Step, int]:
    """How many starts came at least so far: whoever has paid has charged, and so on back."""
    order = tuple(Step)
    return {step: sum(furthest.get(later, 0) for later in order[at:]) for at, step in enumerate(order)}


def added(counts: Iterable[Mapping[K, int]]) -> Counter[K]:
    """The counts of several days together."""
    total: Counter[K] = Counter()
    for one in counts:
        total.update(one)
    return total


def _furthest(row: Row) -> Step:
    if row.captured_minor:
        return Step.PAID
    if row.began_at is not None:
        return Step.CHARGED
    if row.held_at is not None:
        return Step.HELD
    return Step.MADE if row.status is not None else Step.STARTED


def _waits(rows: Iterable[Row]) -> Counter[int]:
    """From the hold to the first power, in seconds; one that has begun counts, so that nothing moves below a bound."""
    return Counter(
        -((row.held_at - row.began_at) // _SECOND)
        for row in rows
        if row.began_at is not None and row.held_at is not None and row.began_at >= row.held_at
    )


def waits(seconds: Mapping[int, int]) -> Waits:
    """`seconds`: how many waited so long."""
    found = sorted(seconds.items())
    count = sum(times for _one, times in found)
    within = []
    before = 0
    for bound in BOUNDS:
        upto = sum(times for one, times in found if one <= bound // _SECOND)
        within.append((bound, upto - before))
        before = upto
    if count < 2:
        return Waits(tuple(within), count - before, None, None)
    return Waits(tuple(within), count - before, _tenths(found, count, 5), _tenths(found, count, 9))


def _tenths(found: Sequence[tuple[int, int]], count: int, tenths: int) -> timedelta:
    """What so many tenths of them do not pass, on the line between the two nearest."""
    place, rest = divmod(tenths * (count - 1), 10)
    low, high = _value_at(found, place), _value_at(found, min(place + 1, count - 1))
    return timedelta(seconds=round((low * (10 - rest) + high * rest) / 10))


def _value_at(found: Sequence[tuple[int, int]], place: int) -> int:
    passed = accumulate(times for _one, times in found)
    return next(one for (one, _times), upto in zip(found, passed, strict=True) if place < upto)
