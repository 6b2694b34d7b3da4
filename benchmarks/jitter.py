"""Forty drivers behind one address on a line that is up to three seconds late each way: is a limit ever overspent?

The engine of production with its workers, clients and store, in simulated time; the lateness is drawn from a seed.
Upstream counts any 60 seconds, or 60 seconds from the first request as its framework does. Every figure is a count or
a simulated length, and the same on every machine.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Literal

from benchmarks.garage import Garage, folder_in_memory, repeatable, shortest
from benchmarks.report import Figure
from benchmarks.turns import Turns
from kiosk.domain.commands import Refusal
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group, Status
from kiosk.news.news import session_topic
from kiosk.sandbox.world.line import Delays
from kiosk.sandbox.world.switches import Switches
from kiosk.service import session as service
from kiosk.service.cards import FRESH, card_now
from kiosk.service.start import Started, begin

DRIVERS = 40
LATE = (0.0, 3.0)
"""Seconds each way: until upstream counts a request, and until its answer is back."""
RUSH_AT = timedelta(minutes=20)
"""Then all that charge stop at once, and nobody comes back."""
LASTS = timedelta(minutes=25)
KILLED_EVERY = timedelta(minutes=4)
DOWN = timedelta(seconds=12)
"""Then the lease of a killed engine has run out."""
LIMITS = {
    "charger": "charger_reads_per_minute",
    "start": "starts_per_minute",
    "session": "session_reads_per_minute",
    "confirm": "confirms_per_minute",
    "stop": "stops_per_minute",
    "cancel": "cancels_per_minute",
}
"""Routes of the stand-in, and the switch that holds each one's limit."""
CROWDED = ("start", "session", "charger", "confirm")
"""Of these more is asked for all the time than may be sent."""
SETTLED = timedelta(minutes=2)
LEAST_PACE = {"start": 0.9, "session": 0.8}
"""Of that of a client without any delay: a limit is not kept by being idle. Three reads a minute stay free."""
POLL = 0.5
TAPS = 6.0
"""Seconds between two taps of a driver who says that they have paid."""
Window = Literal["sliding", "fixed"]
Good = Callable[[Session], bool]


@dataclass
class Outcome:
    """By endpoint: requests that were let through, and 429s. `paces`: while always somebody waited, the shortest time
    in which as many may be sent, by the time that it took. `waits` are seconds.
    """

    taken: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    paces: dict[str, float] = field(default_factory=dict)
    waits: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    turned_away: int = 0
    ended: int = 0


def run() -> list[Figure]:
    windows: tuple[Window, ...] = ("sliding", "fixed")
    rows: list[Figure] = []
    for window in windows:
        rows += figures(f"jitter, {window}", play(window))
    for window in windows:
        rows += figures(f"jitter, {window}, killed", play(window, killed_every=KILLED_EVERY), aimed=False)
    return rows


def figures(name: str, seen: Outcome, *, aimed: bool = True) -> list[Figure]:
    """`aimed`: a pace is asked for. A kiosk that was killed counts late what it does not know."""
    refused = ", ".join(f"{route} {seen.refused[route]}" for route in LIMITS)
    sent = ", ".join(f"{route} {seen.taken[route]:,}" for route in LIMITS)
    paces = ", ".join(f"{route} {pace:.0%}" for route, pace in seen.paces.items())
    least = ", ".join(f"{route} {pace:.0%}" for route, pace in LEAST_PACE.items())
    quick = all(seen.paces.get(route, 0.0) >= pace for route, pace in LEAST_PACE.items())
    waits = ", ".join(f"{what} {max(seconds):.0f} s" for what, seconds in sorted(seen.waits.items()))
    return [
        Figure(name, "answers of 429", refused, "0", not seen.refused.total()),
        Figure(name, "requests let through", sent),
        Figure(name, "pace while there was a line, by the best pace", paces, *((f"≥ {least}", quick) if aimed else ())),
        Figure(name, "longest wait", waits),
        Figure(name, "charges that ended; starts turned away", f"{seen.ended}; {seen.turned_away}"),
    ]


def play(
    window: Window,
    *,
    seed: int = 1,
    drivers: int = DRIVERS,
    rush_at: timedelta = RUSH_AT,
    lasts: timedelta = LASTS,
    late: tuple[float, float] = LATE,
    killed_every: timedelta | None = None,
) -> Outcome:
    """One afternoon. `killed_every`: the kiosk's process is killed so often, and another one begins."""
    with folder_in_memory() as folder, repeatable(seed):
        turns = Turns()
        switches = Switches(window=window)
        garage = Garage(folder, turns, switches, seed=seed, pool=turns.pool)
        garage.world.line.delays = Delays(late, late)
        with closing(garage):
            afternoon = Afternoon(turns, garage, seed, drivers, rush_at)
            afternoon.pass_by(lasts, killed_every)
            return afternoon.outcome()


class Afternoon:
    """Drivers look at a bay, start, pay and charge for some minutes, one after another. Some give up before paying."""

    def __init__(self, turns: Turns, garage: Garage, seed: int, drivers: int, rush_at: timedelta) -> None:
        self._turns = turns
        self._garage = garage
        self._seed = seed
        self._drivers = drivers
        self._began = turns.now()
        self._rush = self._began + rush_at
        self._stopped: list[datetime] = []
        self._seen = Outcome()

    def pass_by(self, lasts: timedelta, killed_every: timedelta | None) -> None:
        turns, garage = self._turns, self._garage
        turns.begin(garage.engine._run, "engine")
        for number in range(self._drivers):
            turns.begin(partial(self._drive, number), f"driver {number}")
        kill_at = None if killed_every is None else self._began + killed_every
        while turns.now() - self._began < lasts:
            turns.sleep(1)
            if kill_at is not None and killed_every is not None and turns.now() >= kill_at:
                kill_at += killed_every
                garage.kill()
                turns.sleep(DOWN.total_seconds())
                garage.begin_anew()
                turns.begin(garage.engine._run, "engine")
            self._look_at_ages()
            if turns.failures:
                raise turns.failures[0]

    def outcome(self) -> Outcome:
        seen, ledger = self._seen, self._garage.ledger
        for route, switch in LIMITS.items():
            limit = getattr(self._garage.switches, switch)
            seen.taken[route], seen.refused[route] = len(ledger.taken[route]), len(ledger.refused[route])
            since, until = self._began + SETTLED, self._rush
            if route == "stop" and self._stopped:
                since, until = self._rush, max(self._stopped)
            elif route not in CROWDED:
                continue
            times = [at for at in ledger.taken[route] if since <= at <= until]
            if len(times) > limit:
                seen.paces[route] = shortest(limit, len(times)) / (times[-1] - times[0])
        return seen

    # --- one driver

    def _drive(self, number: int) -> None:
        rng = random.Random(f"{self._seed}/driver/{number}")  # noqa: S311 - a reproducible play
        code, bay = self._garage.places[number]
        self._turns.sleep(rng.uniform(0, 5))
        for turn in count():
            if self._turns.now() >= self._rush:
                break
            phone = f"phone {number}/{turn}"
            self._look(code)
            begun = begin(self._garage.parts, code, bay, device=phone)
            if isinstance(begun, Started):
                with self._garage.watch(session_topic(begun.key)):
                    self._charge(begun.key, phone, rng)
            self._turns.sleep(rng.uniform(2, 8))

    def _look(self, code: str) -> None:
        """The page of a charger, until it shows what is so now."""
        asked = self._turns.now()
        while True:
            card = card_now(self._garage.parts, code).card
            if card is not None and card.fresh(self._turns.now(), FRESH):
                break
            self._turns.sleep(2)
        self._waited("charger", asked)

    def _charge(self, key: str, device: str, rng: random.Random) -> None:
        pressed = self._turns.now()
        session = self._until(key, lambda one: one.phase is not Phase.QUEUED)
        if session.phase is not Phase.OPEN:
            self._seen.turned_away += session.refusal is Refusal.TOO_MANY
            return
        self._waited("start", pressed)
        if rng.random() < 0.25:
            self._turns.sleep(rng.uniform(2, 20))
            pressed = self._turns.now()
            service.cancel(self._garage.parts, key, device)
            self._until(key, lambda one: one.final or one.given_up)
            self._waited("cancel", pressed)
            return
        service.payment_of(self._garage.parts, key, device)
        for _ in range(rng.randint(2, 8)):
            self._turns.sleep(TAPS)
            service.confirm(self._garage.parts, key, device)
        self._garage.pay(key)
        pressed = self._turns.now()
        service.confirm(self._garage.parts, key, device)
        self._until(key, lambda one: one.known_status is not Status.CREATED)
        self._waited("confirm", pressed)
        session = self._until(key, lambda one: one.known_status is Status.CHARGING or one.final)
        stop_at = min(self._turns.now() + timedelta(seconds=rng.uniform(300, 900)), self._rush)
        while self._turns.now() < stop_at and not session.final:
            # While the car charges, its driver looks at other chargers of the site.
            card_now(self._garage.parts, rng.choice(self._garage.places)[0])
            self._turns.sleep(min(10.0, max(0.1, (stop_at - self._turns.now()).total_seconds())))
        pressed = self._turns.now()
        service.stop(self._garage.parts, key, device)
        self._until(key, lambda one: one.final or one.facts.group is Group.SETTLING or one.standing is Status.STOPPING)
        self._waited("stop", pressed)
        if stop_at == self._rush and pressed - self._rush < timedelta(seconds=5):
            self._stopped.append(self._turns.now())
        session = self._until(key, lambda one: one.final)
        self._seen.ended += session.known_status is Status.CAPTURED

    def _until(self, key: str, good: Good) -> Session:
        """What a page does: it looks again when there is news, and every five seconds."""
        looked = version = None
        while True:
            parts, now = self._garage.parts, self._turns.now()
            seen = parts.news, parts.news.version(session_topic(key))
            if looked is None or seen != version or now - looked >= timedelta(seconds=5):
                version, looked = seen, now
                session = parts.store.session(key)
                if session is None:
                    raise RuntimeError("a session is gone")
                if good(session):
                    return session
            self._turns.sleep(POLL)

    def _waited(self, what: str, since: datetime) -> None:
        self._seen.waits[what].append((self._turns.now() - since).total_seconds())

    def _look_at_ages(self) -> None:
        now = self._turns.now()
        for session in self._garage.store.sessions_to_watch():
            if session.known_status is Status.CHARGING and session.asked_at is not None:
                self._seen.waits["unread"].append((now - session.asked_at).total_seconds())
