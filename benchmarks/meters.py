"""How much of a driver's limit is used, and whether it is passed, by meters that report often and rarely.

The real fold, guard and schedule under a clock that is only counted: no store, no calls, no speed. Beside them the rule
of a kiosk that knows nothing of meters: the steepest rise between two reads, counted on from the last read, and "no
power" when three minutes after the hold no energy is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from benchmarks.report import Figure
from kiosk.domain.limits import Policy, acts_in, guard
from kiosk.domain.session import Observation, Phase, Session, fold
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.engine.schedule import target_seconds

INTERVALS = (10, 30, 60, 120, 300, 900)
POWERS = ("3.7", "11", "22", "150", "350")
TARIFF = Tariff("EUR", 49, 35)
LIMITS = {"3.7": 500}
LIMIT = 1500
"""Minor units; the slowest car is given a smaller one, so that it does not take all day."""
HANDSHAKE = 20
"""Seconds from the first reading of a running charge until power flows."""
STOP_SECONDS = 5
TAPERS_FOR = 2700
"""Seconds in which a car whose battery fills up falls from all of its power to a quarter, which it keeps."""
FLOWS, PAUSES = 900, 300
"""Seconds for which load management gives power, and none, in turns."""
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
SOON = {False: Decimal("0.95"), True: Decimal("0.90")}
"""The share of a limit that is asked for with a meter that reports once a minute, by whether the power changes."""
HALF = Decimal("0.5")
"""Minor units: what a bill rounds away is no passing."""
POLICY = Policy()
LATE = timedelta(seconds=1)
Stops = Callable[[Session, datetime, float], bool]
Car = Callable[[Decimal, Decimal], tuple[Decimal, Decimal]]
"""By its power in kW and the seconds since it draws: the kWh that it took, and the kW that it takes now."""


def steady(kw: Decimal, seconds: Decimal) -> tuple[Decimal, Decimal]:
    return kw * seconds / 3600, kw


def tapering(kw: Decimal, seconds: Decimal) -> tuple[Decimal, Decimal]:
    """A straight fall; the energy is the area below it."""
    falling, least = min(seconds, Decimal(TAPERS_FOR)), kw / 4
    now = kw - (kw - least) * falling / TAPERS_FOR
    return (falling * (kw + now) / 2 + (seconds - falling) * least) / 3600, now


def pausing(kw: Decimal, seconds: Decimal) -> tuple[Decimal, Decimal]:
    turns, within = divmod(seconds, FLOWS + PAUSES)
    return kw * (turns * FLOWS + min(within, Decimal(FLOWS))) / 3600, kw if within < FLOWS else Decimal(0)


CARS: dict[str, tuple[Car, tuple[str, ...]]] = {
    "": (steady, POWERS),
    "tapering": (tapering, ("22", "150", "350")),
    "paused": (pausing, ("11", "22", "150")),
}
"""By the words of the figures, with the powers that are played."""


@dataclass(frozen=True)
class Ended:
    """`paid` by the end, with what flows until a stop has worked; `early`: it was stopped far from its limit."""

    limit: Decimal
    paid: Decimal
    an_interval: Decimal

    @property
    def share(self) -> Decimal:
        return self.paid / self.limit

    @property
    def over(self) -> Decimal:
        return max(Decimal(0), self.paid - self.limit)

    @property
    def wrongly(self) -> bool:
        """Far below its limit, although what a report hides cannot explain it."""
        return self.paid + 2 * self.an_interval < self.limit / 2


def run() -> list[Figure]:
    rows: list[Figure] = []
    for watched in (True, False):
        who = "watched" if watched else "unwatched"
        for name, (car, powers) in CARS.items():
            for power in powers:
                kw = Decimal(power)
                shares = [play(kw, interval, watched, _stops, car) for interval in INTERVALS]
                before = [play(kw, interval, watched, _plainly, car) for interval in INTERVALS]
                words = f"{power} kW{name and ', '}{name}"
                rows += _figures(f"meters, {who}", words, shares, before, changes=car is not steady)
    return rows


def _figures(name: str, power: str, shares: list[Ended], before: list[Ended], *, changes: bool) -> list[Figure]:
    """`changes`: the power is another one than at the last report, which nobody can know before the next one."""
    seen = ", ".join(f"{each.share:.0%}" for each in shares)
    plain = ", ".join(f"{each.share:.0%}" for each in before)
    by_interval = list(zip(INTERVALS, shares, strict=True))
    good = all(each.share >= _least(interval, each, changes=changes) for interval, each in by_interval)
    over = [each for each in shares if each.over > each.an_interval]
    passed = [
        interval
        for interval, each in by_interval
        if each.over > HALF and 2 * each.an_interval < each.limit and not (changes and interval > 60)
    ]
    wrong = sum(each.wrongly for each in shares)
    soon = SOON[changes]
    return [
        Figure(name, f"{power}: share of the limit used", seen, f"≥ {soon:.0%} to 60 s, ≥ 85% at 300 s", good),
        Figure(name, f"{power}: the same by the plain rule", plain),
        Figure(
            name,
            f"{power}: limits passed, by more than one report; charges ended wrongly",
            f"{len(passed)}, {len(over)}; {wrong}",
            "0, 0; 0",
            not passed and not over and not wrong,
        ),
    ]


def _least(interval: int, ended: Ended, *, changes: bool) -> Decimal:
    """What is asked for: less where the limit is used up before a second report can tell the power."""
    if interval > 300 or 2 * ended.an_interval >= ended.limit:
        return Decimal(0)
    aim = SOON[changes] if interval <= 60 else Decimal("0.85")
    seconds = POLICY.stop_takes.total_seconds() - STOP_SECONDS + 10
    physics = ended.an_interval / interval * Decimal(str(seconds)) / ended.limit
    return min(aim, 1 - physics)


def play(kw: Decimal, interval: int, watched: bool, stops: Stops, car: Car = steady) -> Ended:
    """One charge to its stop. It may be passed without one: then it ends at twice its limit."""
    limit = LIMITS.get(str(kw), LIMIT)
    state = Session(
        key="k",
        code="7MK4T",
        connector_id=1,
        phase=Phase.OPEN,
        requested_at=NOW - timedelta(seconds=60),
        status=Status.STARTING,
        tariff=TARIFF,
        hold_minor=10**6,
        limit_minor=limit,
        held_seen_at=NOW - timedelta(seconds=30),
        most_kw=kw,
    )
    second = read_at = target = 0.0
    while True:
        now = NOW + timedelta(seconds=second)
        if second >= read_at:
            state, _ = fold(state, _seen(now, kw, second, interval, car))
            target = target_seconds(state, now, watched=watched, just_commanded=False)
            read_at = second + target
        cost = _cost(kw, second, car)
        if stops(state, now, target) or cost > 2 * limit:
            break
        soon = acts_in(state, POLICY, now, LATE) if stops is _stops else None
        second = min(read_at, second + max(1.0, soon.total_seconds()) if soon is not None else read_at)
    return Ended(Decimal(limit), _cost(kw, second + STOP_SECONDS, car), TARIFF.energy_cost_exact(kw * interval / 3600))


def _stops(session: Session, now: datetime, _target: float) -> bool:
    return guard(session, POLICY, now, LATE, since=NOW) is not None


def _plainly(session: Session, now: datetime, target: float) -> bool:
    """What a kiosk does that takes a read for a report."""
    held = session.held_seen_at
    if held is not None and now - held >= timedelta(seconds=180) and not session.energy_kwh:
        return True
    points = [point for point in session.trace.points if now - point.at <= timedelta(seconds=60)]
    slopes = [
        (later.energy_kwh - first.energy_kwh) / Decimal((later.at - first.at).total_seconds())
        for first in points
        for later in points
        if later.at - first.at >= timedelta(seconds=5)
    ]
    ahead = Decimal(str(target + POLICY.stop_takes.total_seconds()))
    expected = (session.cost_minor or 0) + TARIFF.energy_cost_exact(max(slopes, default=Decimal(0)) * ahead)
    return session.limit_minor is not None and expected >= session.limit_minor


def _seen(now: datetime, kw: Decimal, second: float, interval: int, car: Car) -> Observation:
    """What the back office says then: the energy of the last sample, and the connector's word of this moment."""
    sampled = second // interval * interval
    energy = _drawn(kw, sampled, car)[0].quantize(Decimal("0.001"))
    word = "SuspendedEVSE" if second > HANDSHAKE and not _drawn(kw, second, car)[1] else "Charging"
    charging = Observation(now, now, Status.CHARGING, connector_status=word, charger_online=True)
    return replace(charging, energy_kwh=energy, cost_minor=TARIFF.example(energy).minor)


def _drawn(kw: Decimal, second: float, car: Car) -> tuple[Decimal, Decimal]:
    return car(kw, Decimal(str(max(0.0, second - HANDSHAKE))))


def _cost(kw: Decimal, second: float, car: Car) -> Decimal:
    return TARIFF.start_fee_minor + TARIFF.energy_cost_exact(_drawn(kw, second, car)[0])
