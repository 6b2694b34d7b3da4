"""Many drivers behind one address: the real engine and store against the stand-in world with its real limits.

Time is simulated, so every figure here is a count or a simulated length, and the same on every machine.
"""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from benchmarks.report import Figure, at_most
from kiosk.clock import ManualClock
from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.engine.context import Context
from kiosk.engine.engine import Engine
from kiosk.engine.open_sessions import CLOSELY_FOR
from kiosk.engine.schedule import RESERVE, ReadNeed, may_wait, stretch_of, target_seconds
from kiosk.news.local import LocalNews
from kiosk.news.news import session_topic
from kiosk.outside import remembered_budgets
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world.chargers import CODE_ALPHABET, ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.store import Cipher, Store
from kiosk.upstream.plugchoice.public import PlugchoicePublic

SESSIONS = 40
BAYS = 2  # a charger; so no charger comes near its hourly limit
WATCHED_EVERY = 4  # every fourth driver looks at the page
MEASURED = timedelta(minutes=10)
SETTLED_AFTER = timedelta(minutes=5)
"""By then nobody is new any more, so that the load no longer changes."""
STARTED_WITHIN = timedelta(minutes=25)
LONGEST_STEP, SHORTEST_STEP = 1.0, 0.2
ENDED_WITHIN = timedelta(minutes=3)
MOST_STOP_SECONDS = 5.0
WAITS = 5
CARD = "4242424242424242"


class DidNotCharge(Exception):
    """The fleet did not get into the state that is to be measured."""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
        quiet = Fleet(Path(name), Switches())
        try:
            quiet.start_all()
            quiet.settle()
            quiet.pass_time(MEASURED)
            steady = quiet.figures("fleet")
        finally:
            quiet.close()
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name:
        stopped = Fleet(Path(name), Switches())
        try:
            stopped.start_all()
            stopped.settle()
            stopped.pass_time(MEASURED / 2)
            ends = stopped.stop_one()
            stopped.pass_time(MEASURED / 2)
            return [*steady, *ends, *stopped.figures("fleet, stop")]
        finally:
            stopped.close()


@dataclass
class Reads:
    """What is known of one session: since when it is unread, and the longest share that was fair since then."""

    last: datetime
    fair: float = 0.0


@dataclass
class Ages:
    """Ages of the shown figures, weighted by how long they stood."""

    worst: float = 0.0
    total: float = 0.0
    seconds: float = 0.0

    def add(self, age: float, step: float) -> None:
        self.worst = max(self.worst, age)
        # The age grows evenly through the step that ends here.
        self.total += (age - step / 2) * step
        self.seconds += step

    @property
    def mean(self) -> float:
        return self.total / self.seconds if self.seconds else 0.0


@dataclass
class Seen:
    """The measured window."""

    began: datetime
    reads_before: int
    length: float = 0.0
    reads: dict[str, Reads] = field(default_factory=dict)
    worst_share: float = 0.0
    worst_unread: float = 0.0
    worst_fair: float = 0.0
    ages: dict[bool, Ages] = field(default_factory=lambda: {True: Ages(), False: Ages()})
    stretch: float = 1.0


class Fleet:
    def __init__(self, folder: Path, switches: Switches) -> None:
        self.clock = ManualClock()
        self.book = StripeBook(self.clock)
        self.world = World(self.clock, self.book, switches)
        self.places = [(_code(number // BAYS), number % BAYS + 1) for number in range(SESSIONS)]
        bays = tuple(ConnectorSpec(number, "AC_3_PHASE", 22_000) for number in range(1, BAYS + 1))
        for code in sorted({code for code, _ in self.places}):
            self.world.add_charger(ChargerSpec(code, f"Charger {code}", bays, Pricing("EUR", 49, 35)))
        self.store = Store(f"sqlite:///{folder / 'kiosk.db'}", Cipher(["only for benchmarks, and long enough"]))
        self.store.migrate()
        self.news = LocalNews()
        self.budgets = remembered_budgets(self.store.note_call, self.store.note_closure)
        self.per_minute = switches.session_reads_per_minute
        self.spacing = 60 / (self.per_minute - RESERVE)
        self._pages = ExitStack()
        self._commands_ended: dict[str, datetime] = {}
        self._seen: Seen | None = None
        public = PlugchoicePublic(
            "http://upstream/api/v3",
            clock=self.clock,
            budgets=self.budgets,
            transport=httpx.WSGITransport(create_plugchoice_app(self.world)),
        )
        context = Context(
            clock=self.clock,
            store=self.store,
            news=self.news,
            public=public,
            budgets=self.budgets,
            seller=lambda _session: {"name": "Stadtwerke Lindenau GmbH"},
        )
        self.engine = Engine(context, inline=True)

    def close(self) -> None:
        self._pages.close()
        self.store.close()

    # --- drivers

    def start_all(self) -> None:
        """Everybody asks at once, and waits with the page open; the engine starts three a minute. Each pays at once and
        charges, and three of four put their phone away.
        """
        with ExitStack() as waiting:
            self._start_all(waiting)

    def _start_all(self, waiting: ExitStack) -> None:
        for number, (code, connector_id) in enumerate(self.places):
            self.world.plug_in(code, connector_id, "family", 200)
            key = self._ask(code, connector_id)
            stays = number % WATCHED_EVERY == 0
            (self._pages if stays else waiting).enter_context(self.news.subscribe(session_topic(key)))
        end = self.clock.now() + STARTED_WITHIN
        paid: set[str] = set()
        while self.clock.now() < end:
            self._round()
            sessions = self.store.sessions_to_watch()
            for session in sessions:
                if session.known_status is Status.CREATED and session.key not in paid:
                    paid.add(session.key)
                    self._pay(session.key)
            if sum(session.known_status is Status.CHARGING for session in sessions) == SESSIONS:
                return
        raise DidNotCharge(f"{Counter(session.status for session in self.store.sessions_to_watch())}")

    def stop_one(self) -> list[Figure]:
        """A driver who watches presses stop: how long until the page could know, and until it could know the end."""
        key = next(s.key for s in self.store.sessions_to_watch() if self.news.watched(session_topic(s.key)))
        pressed = self.clock.now()
        known: dict[str, datetime] = {}
        with self.news.subscribe(session_topic(key)) as news:
            self.store.ask(key, Kind.STOP, AskedBy.DRIVER, pressed)
            self.engine.wake()
            end = pressed + ENDED_WITHIN
            while Status.CAPTURED not in known and self.clock.now() < end:
                self._round()
                session = self.store.session(key)
                if news.wait(0) and session is not None and session.status is not None:
                    known.setdefault(session.status, session.observed_at or self.clock.now())
                self._note_commands([key])
        theirs = next(each for each in self.world.sessions() if each.captured_at is not None)
        if Status.CAPTURED not in known or theirs.captured_at is None:
            raise DidNotCharge(f"the stopped session was only seen as {', '.join(known) or 'charging'}")
        first = min(at for status, at in known.items() if status != Status.CHARGING)
        late = (known[Status.CAPTURED] - theirs.captured_at).total_seconds()
        # Settling has a target of 4 s, and is urgent, so that nothing but the reserve's spacing may delay it.
        return [
            at_most(
                "fleet, stop",
                "seconds from the press to the page",
                (first - pressed).total_seconds(),
                MOST_STOP_SECONDS,
                "{:.1f}",
            ),
            at_most("fleet, stop", "seconds from the capture to the page", late, 4 + self.spacing, "{:.1f}"),
        ]

    def _ask(self, code: str, connector_id: int) -> str:
        now = self.clock.now()
        session = Session(
            key=secrets.token_urlsafe(16),
            code=code,
            connector_id=connector_id,
            phase=Phase.QUEUED,
            requested_at=now,
            tariff=Tariff("EUR", 49, 35),
            hold_minor=5000,
        )
        self.store.create(session, device=f"phone-{code}-{connector_id}", now=now)
        self.engine.wake()
        return session.key

    def _pay(self, key: str) -> None:
        payment = self.store.payment(key)
        if payment is None or payment.intent_id is None:
            raise DidNotCharge("a started session came without a payment")
        self.book.confirm(ACCOUNT, payment.intent_id, card_method(CARD, 12, 34, "123", self.clock.now()))
        self.store.ask(key, Kind.CONFIRM, AskedBy.DRIVER, self.clock.now())
        self.engine.wake()

    # --- time

    def settle(self) -> None:
        """What waited while the last ones were starting is read first; then the load is even."""
        end = self.clock.now() + SETTLED_AFTER
        while self.clock.now() < end:
            self._round()

    def pass_time(self, length: timedelta) -> None:
        if self._seen is None:
            self._note_commands([session.key for session in self.store.sessions_to_watch()])
            self._seen = Seen(self.clock.now(), self.world.traffic.total(route="session"))
        end = self.clock.now() + length
        while self.clock.now() < end:
            self._round()

    def _round(self) -> None:
        wait = self.engine.round()
        step = max(SHORTEST_STEP, min(wait, LONGEST_STEP))
        self.clock.advance(step)
        if self._seen is not None:
            self._sample(self._seen, step)

    def _sample(self, seen: Seen, step: float) -> None:
        """Before the next round may read: how long is everybody unread, and how long would be fair.

        Fair is `target * stretch + 5 * spacing`: the session's target, the factor by which all of its kind stretch at
        this load, and five distances between two ordinary reads: reads leave one at a time, and a few sessions may
        come to the same need at the same moment. A share changes with the load, so the longest since the session's
        last read counts.
        """
        now = self.clock.now()
        seen.length = (now - seen.began).total_seconds()
        sessions = [session for session in self.store.sessions_to_watch() if session.asked_at is not None]
        needs = {session.key: self._need(session, now) for session in sessions}
        stretch = stretch_of(needs.values(), self.per_minute)
        seen.stretch = max(seen.stretch, stretch.ordinary)
        for session in sessions:
            need, asked = needs[session.key], session.asked_at or now
            row = seen.reads.get(session.key)
            if row is None or row.last != asked:
                row = seen.reads[session.key] = Reads(asked)
            row.fair = max(row.fair, need.target * stretch.of(need) + WAITS * self.spacing)
            unread = (now - asked).total_seconds()
            if unread / row.fair > seen.worst_share:
                seen.worst_share, seen.worst_unread, seen.worst_fair = unread / row.fair, unread, row.fair
            if session.known_status is Status.CHARGING and session.fresh_at is not None:
                watched = self.news.watched(session_topic(session.key))
                seen.ages[watched].add((now - session.fresh_at).total_seconds(), step)

    def _need(self, session: Session, now: datetime) -> ReadNeed:
        """As the engine's own watch makes it."""
        ended = self._commands_ended.get(session.key)
        watched = self.news.watched(session_topic(session.key))
        just_commanded = ended is not None and now - ended < CLOSELY_FOR
        target = target_seconds(session, now, watched=watched, just_commanded=just_commanded)
        return ReadNeed(session.key, session.asked_at, target, patient=may_wait(session, watched=watched))

    def _note_commands(self, keys: list[str]) -> None:
        for key in keys:
            ends = [command.ended_at for command in self.store.commands(key) if command.ended_at is not None]
            if ends:
                self._commands_ended[key] = max(ends)

    # --- what came of it

    def figures(self, name: str) -> list[Figure]:
        seen = self._seen
        if seen is None:
            raise DidNotCharge("nothing was measured")
        traffic = self.world.traffic
        reads = (traffic.total(route="session") - seen.reads_before) / (seen.length / 60)
        refused = traffic.total(status=429)
        watched, others = seen.ages[True], seen.ages[False]
        worst = f"{seen.worst_share:.2f} ({seen.worst_unread:.0f} s where {seen.worst_fair:.0f} s is fair)"
        return [
            Figure(name, "answers of 429, starting included", str(refused), "0", refused == 0),
            Figure(name, "longest unread, by its fair share", worst, "≤ 1.00", seen.worst_share <= 1),
            Figure(name, f"reads a minute of {self.per_minute}", f"{reads:.1f}"),
            Figure(name, "stretch of an ordinary target", f"{seen.stretch:.1f}"),
            Figure(name, "age of a watched figure, mean and worst", f"{watched.mean:.0f} s, {watched.worst:.0f} s"),
            Figure(name, "age of an unwatched figure, mean and worst", f"{others.mean:.0f} s, {others.worst:.0f} s"),
        ]


def _code(number: int) -> str:
    letters = CODE_ALPHABET
    return f"BEN{letters[number // len(letters)]}{letters[number % len(letters)]}"
