"""An engine in front of stand-ins, on one clock that stands still: no sockets, no threads, no sleeping.

`EngineWorld` is what all of them have: a store, news, a way to go round while time passes, and a restart after which
nothing is left but the store. What stands outside, and who asks for what, is said by the worlds that are made of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from kiosk.clock import ManualClock, OnlyClock
from kiosk.engine.context import Context
from kiosk.engine.engine import Engine
from kiosk.engine.lead import LEASE_TTL
from kiosk.news.local import LocalNews
from kiosk.outside import remembered_budgets
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.upstream.plugchoice.public import PlugchoicePublic
from tests.worlds.once import migrated_store

LEASE_RUNS_OUT = 11.0
"""Seconds after which a killed engine's lease is free."""
LEAST_STEP = 0.2


class Gate(httpx.BaseTransport):
    """Lets calls through while it is open; the others wait, as on a slow line. Shut, it holds what ends in `holds`."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.open = threading.Event()
        self.open.set()
        self.holds = ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(self.holds):
            assert self.open.wait(20)
        return self._inner.handle_request(request)


class Behind(OnlyClock):
    """The kiosk's clock: that of the world, or earlier by as much as somebody has set it back."""

    rate = 1.0

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.by = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() - self.by

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return self._clock.wait(event, seconds)


class EngineWorld:
    """A made-up world with its bank, a store in `folder`, and an engine that a test lets go round."""

    longest_step = 5.0
    """Seconds that pass at most between two rounds, well before the lease runs out. Mostly the engine itself asks for
    less: what it does not ask for in time it does too late here, as it would where rounds are rare.
    """

    engine: Engine
    context: Context

    def __init__(self, folder: Path, switches: Switches | None = None) -> None:
        self.clock = ManualClock()
        self.kiosk_clock = Behind(self.clock)
        self.book = StripeBook(self.clock)
        self.world = World(self.clock, self.book, switches)
        self.file = folder / "kiosk.db"
        self.store = migrated_store(self.file)
        self.news = LocalNews()
        self._pages = ExitStack()

    def made_context(self) -> Context:
        """What the next engine works with. Its budgets know what the store remembers of earlier ones."""
        raise NotImplementedError

    def new_engine(self, *, inline: bool = True) -> Engine:
        """An engine with nothing in memory, as after a restart. `inline`: it works in the test's own thread."""
        self.budgets = remembered_budgets(self.store.note_call, self.store.note_closure)
        self.context = self.made_context()
        return Engine(self.context, inline=inline)

    def public_client(self, base: str, transport: httpx.BaseTransport) -> PlugchoicePublic:
        return PlugchoicePublic(base, clock=self.kiosk_clock, budgets=self.budgets, transport=transport)

    def restart(self) -> None:
        """As after kill -9: the store stays, everything else is forgotten. The old lease runs out first."""
        self.clock.advance(LEASE_RUNS_OUT)
        self.engine = self.new_engine()

    def close(self) -> None:
        self._pages.close()
        self.store.close()

    def open_page(self, topic: str) -> None:
        """Somebody opens a page with news of `topic`, and keeps it open."""
        self._pages.enter_context(self.news.subscribe(topic))

    def leave(self) -> None:
        """Every page is closed."""
        self._pages.close()

    def run(self, seconds: float, step: float | None = None, *, every: float | None = None) -> None:
        """Let the engine go round while time passes, at most `step` seconds between two rounds.

        With `every` just so many lie between them, whatever the engine asks for: for what takes hours. The engine goes
        on leading: a real one would have renewed its lease in between.
        """
        for _ in self.steps(seconds, step, every=every):
            pass

    def steps(self, seconds: float, step: float | None = None, *, every: float | None = None) -> Iterator[None]:
        """The same, and the test may look after every round: the first is at once, the last when the time is over."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            if every is not None:
                self._lead_for(every if self.clock.now() < end else 0)
            wait = self.engine.round()
            yield
            now = self.clock.now()
            if now >= end:
                return
            pause = every if every is not None else min(wait, step or self.longest_step)
            self.clock.advance(max(LEAST_STEP, min(pause, (end - now).total_seconds())))

    def _lead_for(self, seconds: float) -> None:
        """Let the lease that the next round takes outlive the pause after it; without one it lives as ever."""
        lead = self.engine._lead
        lead.ttl, lead._renewed = timedelta(seconds=LEASE_TTL + seconds), None
