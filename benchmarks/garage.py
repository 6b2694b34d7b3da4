"""A garage with its kiosk on a simulated clock: production's app, store, clients and engine before the sandbox's world.

Twenty chargers with two bays each, and no operator's token, so that every charger is read by its public card. Nothing
leaves the process and nothing sleeps. What the world was asked is written down request by request.
"""

from __future__ import annotations

import random
import secrets
import string
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import httpx

from benchmarks.scene import PUBLIC
from benchmarks.site_scene import kiosk_toml
from kiosk.app import create_app, running, stop
from kiosk.clock import Clock
from kiosk.config.settings import build_settings
from kiosk.config.sites import load_site
from kiosk.demo import MOUNT, Sandbox
from kiosk.engine.crew import MakePool, threads
from kiosk.engine.engine import Engine
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world.chargers import CODE_ALPHABET, ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.traffic import Request, Traffic
from kiosk.sandbox.world.world import World
from kiosk.service.parts import Parts

CHARGERS = 20
BAYS = 2
CARD = "4242424242424242"
_SECRET = "only-for-benchmarks-" + "b" * 32
_UPSTREAM = f"http://127.0.0.1:9{MOUNT}/plugchoice/api/v3"
_MINUTE = timedelta(minutes=1)
_FOR_EVER = 10.0**8
"""Seconds: three years."""


class Ledger(Traffic):
    """Keeps the time of every answered request, and which of them were refused for a limit."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: defaultdict[str, list[datetime]] = defaultdict(list)
        self.refused: defaultdict[str, list[datetime]] = defaultdict(list)

    def record(self, request: Request) -> None:
        super().record(request)
        (self.refused if request.status == 429 else self.taken)[request.route].append(request.at)


class Cable(httpx.BaseTransport):
    """Between one process of the kiosk and the world. Once it is cut, a thread that waits for an answer waits for ever,
    as one of a process that was killed."""

    def __init__(self, inner: httpx.BaseTransport | None, clock: Clock) -> None:
        if inner is None:
            raise ValueError("the world is on the other end")
        self._inner = inner
        self._clock = clock
        self.cut = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self.cut:
            answer = self._inner.handle_request(request)
        while self.cut:
            self._clock.wait(threading.Event(), _FOR_EVER)
        return answer


class Garage:
    """`folder` holds the database. `pool` makes the engine's workers; without it the deciding thread does the calls."""

    def __init__(
        self, folder: Path, clock: Clock, switches: Switches, *, seed: int = 1, pool: MakePool | None = None
    ) -> None:
        self.clock = clock
        self.book = StripeBook(clock)
        self.world = World(clock, self.book, switches, seed)
        self.ledger = Ledger()
        self.world.traffic = self.ledger
        self.switches = switches
        bays = tuple(ConnectorSpec(number, "AC_3_PHASE", 22_000) for number in range(1, BAYS + 1))
        for number in range(CHARGERS):
            self.world.add_charger(ChargerSpec(code_of(number), f"Charger {number}", bays, Pricing("EUR", 49, 35)))
        config = folder / "kiosk.toml"
        config.write_text(kiosk_toml(self.world.chargers()), encoding="utf-8")
        self._sites = load_site(config)
        self._settings = build_settings(
            secret_key=_SECRET,
            data_dir=folder,
            public_url=PUBLIC,
            plugchoice_url=_UPSTREAM,
            config=config,
            trusted_proxies=1,
        )
        self._sandbox = Sandbox(self.world)
        self._pool = pool
        self._pages: dict[ExitStack, str] = {}
        self._open()

    @property
    def woken(self) -> bool:
        """Somebody has asked the engine for something since its last round."""
        return self.engine._wake.is_set()

    def round(self) -> float:
        """One round of the engine; returns the seconds after which it wants the next."""
        self.engine._wake.clear()
        return self.engine.round()

    def kill(self) -> None:
        """The process is gone, wherever its threads are. What has left arrives; its answers reach nobody."""
        self._cable.cut = True
        self.engine._stopping.set()
        self.engine._wake.set()

    def begin_anew(self) -> None:
        """Another process over the same database, with nothing in memory."""
        self._open()
        for page, topic in self._pages.items():
            page.enter_context(self.parts.news.subscribe(topic))

    def _open(self) -> None:
        transports = self._sandbox.transports()
        self._cable = Cable(transports.public, self.clock)
        transports = replace(transports, public=self._cable)
        self.app = create_app(self._settings, site=self._sites, clock=self.clock, transports=transports)
        # What `create_app` has wired, with workers that keep to the simulated time.
        context = running(self.app).engine._context
        inline = self._pool is None
        self.engine = Engine(context, inline=inline, pool=self._pool or threads)
        made: Parts = self.app.extensions["kiosk"]
        self.parts = replace(made, engine=self.engine, patience=0.0)
        self.app.extensions["kiosk"] = self.parts
        self.store = self.parts.store
        self.budgets = context.budgets

    def close(self) -> None:
        self.engine.stop()
        stop(self.app)

    @contextmanager
    def watch(self, topic: str) -> Iterator[None]:
        """Somebody has a page of that topic open for the length of the block, whichever process serves it."""
        with ExitStack() as page:
            page.enter_context(self.parts.news.subscribe(topic))
            self._pages[page] = topic
            try:
                yield
            finally:
                del self._pages[page]

    @property
    def places(self) -> list[tuple[str, int]]:
        return [(code_of(number), bay) for number in range(CHARGERS) for bay in range(1, BAYS + 1)]

    def pay(self, key: str) -> None:
        """The bank says yes to the payment of that session."""
        payment = self.store.payment(key)
        if payment is None or payment.intent_id is None:
            raise RuntimeError("there is nothing to pay")
        self.book.confirm(ACCOUNT, payment.intent_id, card_method(CARD, 12, 34, "123", self.clock.now()))


def code_of(number: int) -> str:
    letters = CODE_ALPHABET
    return f"BEN{letters[number // len(letters)]}{letters[number % len(letters)]}"


def shortest(limit: int, count: int) -> timedelta:
    """The shortest time from the first to the last of so many requests, `limit` in any minute."""
    return (count - 1) // limit * _MINUTE


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """For a database whose figures are counts: nobody waits for a disk."""
    memory = Path("/dev/shm")  # noqa: S108 - only made-up charges lie there, in a folder of our own
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-", dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@contextmanager
def repeatable(seed: int) -> Iterator[random.Random]:
    """Within, names that are drawn at random are drawn from this seed: ties are broken the same way in every run."""
    rng = random.Random(f"{seed}/names")  # noqa: S311 - a reproducible play, nothing is secret here
    signs = string.ascii_letters + string.digits + "-_"

    def urlsafe(size: int = 32) -> str:
        return "".join(rng.choices(signs, k=-(-size * 4 // 3)))

    with (
        mock.patch.object(secrets, "token_urlsafe", urlsafe),
        mock.patch.object(secrets, "token_hex", lambda size=32: rng.randbytes(size).hex()),
        mock.patch.object(secrets, "choice", rng.choice),
    ):
        yield rng
