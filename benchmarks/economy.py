"""What a kiosk asks of upstream, and how old the figures on its pages are, for few sessions and for many.

The real engine and store against the stand-in world with its real limits; only time is simulated, and calls take none.
Everything here is a count or a simulated length, and the same on every machine.
"""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from benchmarks.report import Figure, at_most, percentile
from kiosk.clock import ManualClock
from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.progress import joined
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.engine.context import Context
from kiosk.engine.engine import Engine
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.local import LocalNews
from kiosk.news.news import session_topic
from kiosk.outside import remembered_budgets
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world.chargers import CODE_ALPHABET, ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.store import Cipher, Store
from kiosk.upstream.plugchoice.budget import Budgets, Limits
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.public import PlugchoicePublic

SIZES = (1, 10, 100, 1000)
BAYS = 10
WATCHED_EVERY = 4
"""Every fourth driver has the page open."""
SITES = 10
POLL = 10.0
"""Seconds between two questions of a page that asks upstream by itself: the naive design."""
SETTLES, MEASURED = timedelta(minutes=6), timedelta(minutes=10)
STEP = 1.0
SAMPLE_EVERY = 7
"""Seconds; in no step with any beat."""
MOST_AGE_WITH, MOST_AGE_WITHOUT, UP_TO = 15.0, 60.0, 100
TOKEN = "operator"  # noqa: S105 - of the stand-in
CARD = "4242424242424242"
ENOUGH = 1_000_000
_GENEROUS = Switches(
    session_reads_per_minute=ENOUGH,
    starts_per_minute=ENOUGH,
    confirms_per_minute=ENOUGH,
    sessions_per_charger_per_hour=ENOUGH,
    webhook_delay=None,
)


class DidNotCharge(Exception):
    """The sessions did not get into the state that is to be measured."""


def run() -> list[Figure]:
    figures: list[Figure] = []
    for size in SIZES:
        figures += naive(size)
        figures += measured(size, None, "without a token")
        figures += measured(size, OperatorSwitches(running_kwh="live"), "with a token")
    return figures + measured(SIZES[-1], OperatorSwitches(), "with a token whose list tells no energy", aim=False)


def measured(size: int, switches: OperatorSwitches | None, how: str, *, aim: bool = True) -> list[Figure]:
    with many_sessions(size, switches) as many:
        many.pass_time(SETTLES)
        seen = many.pass_time(MEASURED)
    return figures_of(size, how, seen, with_token=switches is not None, aim=aim)


def figures_of(size: int, how: str, seen: Seen, *, with_token: bool, aim: bool = True) -> list[Figure]:
    name = f"economy, {size}"
    everything = [*seen.watched, *seen.others]
    aged = seen.watched or everything
    p95 = percentile(aged, 0.95)
    what = f"{how}: p95 of the age of a watched figure, s"
    if with_token and aim:
        age = at_most(name, what, p95, MOST_AGE_WITH, "{:.0f}")
    elif not with_token and size <= UP_TO:
        age = at_most(name, what, p95, MOST_AGE_WITHOUT, "{:.0f}")
    else:
        age = Figure(name, what, f"{p95:.0f}")
    asked = ", ".join(f"{count:.1f} {route}" for route, count in sorted(seen.a_minute.items()))
    rows = [
        age,
        Figure(name, f"{how}: p50 and worst of a watched figure, s", f"{percentile(aged, 0.5):.0f}, {max(aged):.0f}"),
        Figure(name, f"{how}: requests a minute", f"{sum(seen.a_minute.values()):.1f} ({asked})"),
        Figure(name, f"{how}: answers of 429", str(seen.refused), "0", seen.refused == 0),
    ]
    if seen.others:
        others = f"{percentile(seen.others, 0.5):.0f}, {percentile(seen.others, 0.95):.0f}, {max(seen.others):.0f}"
        rows.insert(2, Figure(name, f"{how}: p50, p95 and worst of one that nobody watches, s", others))
    return rows


def naive(size: int) -> list[Figure]:
    """Each open page asks upstream every POLL seconds by the kiosk's address."""
    with many_sessions(size, None) as many:
        http = httpx.Client(transport=many.wire(), base_url="http://upstream/api/v3")
        tokens = [many.store.token(key) for key in many.watched]
        last = dict.fromkeys(range(len(tokens)), many.clock.now())
        answers: Counter[int] = Counter()
        ages: list[float] = []
        seconds = MEASURED.total_seconds()
        for tick in range(int(seconds)):
            for number in range(tick % int(POLL), len(tokens), int(POLL)):
                status = http.get(f"/public-charging/sessions/{tokens[number]}").status_code
                answers[status] += 1
                if status == 200:
                    last[number] = many.clock.now()
            many.clock.advance(1)
            if tick % SAMPLE_EVERY == 0:
                ages += [(many.clock.now() - at).total_seconds() for at in last.values()]
        http.close()
    name, how = f"economy, {size}", "naive, each page asks"
    minutes = seconds / 60
    spread = f"{percentile(ages, 0.5):.0f}, {percentile(ages, 0.95):.0f}, {max(ages):.0f}"
    return [
        Figure(name, f"{how}: p50, p95 and worst of a watched figure, s", spread),
        Figure(
            name,
            f"{how}: requests a minute, of them 429",
            f"{answers.total() / minutes:.1f}, {answers[429] / minutes:.1f}",
        ),
    ]


@dataclass
class Seen:
    """Ages in seconds of shown figures, looked at every few seconds; requests a minute by what was asked."""

    watched: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    a_minute: Mapping[str, float] = field(default_factory=dict)
    refused: int = 0


@contextmanager
def many_sessions(size: int, switches: OperatorSwitches | None) -> Iterator[Many]:
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
        many = Many(Path(folder), size, switches)
        try:
            many.start_all()
            yield many
        finally:
            many.close()


class Many:
    """So many sessions that charge: started with limits that nobody has, and measured with the real ones."""

    def __init__(self, folder: Path, size: int, switches: OperatorSwitches | None) -> None:
        self.clock = ManualClock()
        self.book = StripeBook(self.clock)
        self.world = World(self.clock, self.book, _GENEROUS)
        self.places = [(_code(number // BAYS), number % BAYS + 1) for number in range(size)]
        codes = sorted({code for code, _ in self.places})
        bays = tuple(ConnectorSpec(number, "AC_3_PHASE", 22_000) for number in range(1, BAYS + 1))
        for code in codes:
            self.world.add_charger(ChargerSpec(code, f"Charger {code}", bays, Pricing("EUR", 49, 35)))
        count = min(SITES, len(codes))
        self.sites = {f"site-{number}": tuple(codes[number::count]) for number in range(count)}
        self.switches = switches
        self.store = Store(f"sqlite:///{folder / 'kiosk.db'}", Cipher(["only for benchmarks, and long enough"]))
        self.store.migrate()
        self.news = LocalNews()
        self.watched: list[str] = []
        self._pages = ExitStack()
        starts = Limits(start=ENOUGH, get_session=ENOUGH, confirm=ENOUGH)
        self.engine = self._engine(Budgets(starts), None)

    def close(self) -> None:
        self._pages.close()
        self.store.close()

    def wire(self) -> httpx.WSGITransport:
        """Upstream's public endpoints as they are now."""
        return httpx.WSGITransport(create_plugchoice_app(self.world))

    def _engine(self, budgets: Budgets, operator: PlugchoiceOperator | None) -> Engine:
        public = PlugchoicePublic("http://upstream/api/v3", clock=self.clock, budgets=budgets, transport=self.wire())
        plans = tuple(SitePlan(site, codes, site) for site, codes in self.sites.items())
        context = Context(
            clock=self.clock,
            store=self.store,
            news=self.news,
            public=public,
            budgets=budgets,
            seller=lambda _session: {"name": "Stadtwerke Lindenau GmbH"},
            sites=plans if operator is not None else (),
            operator=operator,
        )
        return Engine(context, inline=True)

    def start_all(self) -> None:
        for number, (code, connector_id) in enumerate(self.places):
            self.world.plug_in(code, connector_id, "family", 100)
            key = self._ask(code, connector_id)
            if number % WATCHED_EVERY == 0:
                self.watched.append(key)
        paid: set[str] = set()
        for _ in range(120):
            self.engine.round()
            self.clock.advance(STEP)
            sessions = self.store.sessions_to_watch()
            for session in sessions:
                if session.known_status is Status.CREATED and session.key not in paid:
                    paid.add(session.key)
                    self._pay(session.key)
            if sum(session.known_status is Status.CHARGING for session in sessions) == len(self.places):
                break
        else:
            raise DidNotCharge(f"{Counter(one.status for one in self.store.sessions_to_watch())}")
        self.clock.advance(90)  # what was asked so far is out of every window, and the first lease has run out
        self.world.switches = Switches(webhook_delay=None)
        operator = None
        if self.switches is not None:
            app = create_operator_app(self.world, TOKEN, switches=self.switches, sites=self.sites)
            transport = httpx.WSGITransport(app)
            operator = PlugchoiceOperator("http://upstream/api/v3", TOKEN, clock=self.clock, transport=transport)
        self.engine = self._engine(remembered_budgets(self.store.note_call, self.store.note_closure), operator)
        for key in self.watched:
            self._pages.enter_context(self.news.subscribe(session_topic(key)))

    def pass_time(self, length: timedelta) -> Seen:
        seen, before, began = Seen(), dict(self.world.traffic.counts()), self.clock.now()
        watched = set(self.watched)
        for tick in range(int(length.total_seconds() / STEP)):
            self.engine.round()
            self.clock.advance(STEP)
            if tick % SAMPLE_EVERY == 0:
                self._sample(seen, watched)
        minutes = (self.clock.now() - began).total_seconds() / 60
        asked: Counter[str] = Counter()
        for (route, status), count in self.world.traffic.counts().items():
            more = count - before.get((route, status), 0)
            asked[route.removeprefix("operator_")] += more
            seen.refused += more if status == 429 else 0
        seen.a_minute = {route: count / minutes for route, count in asked.items() if count}
        return seen

    def _sample(self, seen: Seen, watched: set[str]) -> None:
        now, told = self.clock.now(), self.store.all_progress()
        for session in self.store.sessions_to_watch():
            if session.known_status is not Status.CHARGING or session.charging_started_at is None:
                continue
            at = joined(session, told.get(session.key)).fresh_at or session.charging_started_at
            (seen.watched if session.key in watched else seen.others).append((now - at).total_seconds())

    def _ask(self, code: str, connector_id: int) -> str:
        now: datetime = self.clock.now()
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
        return session.key

    def _pay(self, key: str) -> None:
        payment = self.store.payment(key)
        if payment is None or payment.intent_id is None:
            raise DidNotCharge("a started session came without a payment")
        self.book.confirm(ACCOUNT, payment.intent_id, card_method(CARD, 12, 34, "123", self.clock.now()))
        self.store.ask(key, Kind.CONFIRM, AskedBy.DRIVER, self.clock.now())
        self.engine.wake()


def _code(number: int) -> str:
    letters = CODE_ALPHABET
    return f"BEN{letters[number // len(letters)]}{letters[number % len(letters)]}"
