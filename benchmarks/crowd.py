"""Honest drivers at a garage in simulated time: they scan, start, pay and charge by real requests, each from an address
of their own. Strangers take their steps between them, and the engine goes round.
"""

from __future__ import annotations

import heapq
import random
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from types import SimpleNamespace
from unittest import mock

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from benchmarks.garage import Garage
from benchmarks.scene import PUBLIC
from kiosk.clock import ManualClock
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.web.shared.limits import limiter

DRIVERS = 10
EVERY = timedelta(seconds=35)
"""Between two drivers: upstream takes three starts a minute, so on a quiet day each starts at once."""
CHARGING = 4
"""Charges that were begun before the strangers came, and go on."""
OLD = 3
"""Charges that ended long before; their receipts lie about."""
OLD_ONES, CHARGING_ONES = 20, 30
"""Where their drivers stand, counted among all bays; those who are counted stand at the first."""
PATIENCE = 300.0
"""Seconds from the scan after which a driver gives up."""
SHORTEST_STEP, LONGEST_STEP = 0.5, 1.0
_HEADERS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", "X-Forwarded-Proto": "https"}
_KEY = re.compile(r"/s/([A-Za-z0-9_-]+)$")
Steps = Iterator[float]
"""What somebody does; after each step the seconds until the next."""


@contextmanager
def simulated_time(clock: ManualClock) -> Iterator[None]:
    """Within, inbound limits and watched pages count the seconds of `clock`, and nothing is counted from before."""
    seconds = SimpleNamespace(time=lambda: clock.now().timestamp(), monotonic=lambda: clock.now().timestamp())
    where = ("limits.storage.memory", "limits.strategies", "kiosk.news.local", "kiosk.web.shared.limits")
    with ExitStack() as patches:
        for module in where:
            patches.enter_context(mock.patch(f"{module}.time", seconds))
        yield


@dataclass
class Seen:
    """Of the counted drivers: seconds from the scan to the pay page (None: gave up), and who got the bay they stood at.
    Of all charges: seconds since the shown figure was read. Of the pages of charges: streams asked for, and refused.
    """

    waits: list[float | None] = field(default_factory=list)
    at_their_bay: int = 0
    ages: list[float] = field(default_factory=list)
    streams: int = 0
    streams_refused: int = 0


class Browser:
    """One browser behind an address, with cookies of its own."""

    def __init__(self, garage: Garage, address: str) -> None:
        self._client: FlaskClient = garage.app.test_client()
        self._client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
        self._headers = {**_HEADERS, "X-Forwarded-For": address}

    def get(self, path: str, *, buffered: bool = True) -> TestResponse:
        return self._client.get(path, base_url=PUBLIC, headers=self._headers, buffered=buffered)

    def post(self, path: str, data: Mapping[str, str] | None = None) -> TestResponse:
        """A form is sent once more where the server says so."""
        answer = self._client.post(path, base_url=PUBLIC, headers=self._headers, data=data)
        if answer.status_code == 307:
            again = answer.headers["Location"]
            answer = self._client.post(again, base_url=PUBLIC, headers=self._headers, data=data)
        return answer

    def start(self, code: str, bay: int) -> str | None:
        """The key of the session that was begun; None when a page says why there is none."""
        answer = self.post(f"/c/{code}/start", {"connector": str(bay)})
        found = _KEY.search(answer.headers.get("Location", "")) if answer.status_code == 303 else None
        return found[1] if found is not None else None


class Crowd:
    """One garage on one clock."""

    def __init__(self, garage: Garage, clock: ManualClock, seed: int, *, drivers: int = DRIVERS) -> None:
        self.garage = garage
        self.clock = clock
        self.drivers = drivers
        self.rng = random.Random(f"{seed}/crowd")  # noqa: S311 - a reproducible play
        self.seen = Seen()
        self.receipts: list[str] = []
        self.places = garage.places
        """Where the honest drivers stand, one after another: nobody stands where somebody charges already."""
        self.rng.shuffle(self.places)
        self.streams = ExitStack()
        self._steps: list[tuple[datetime, int, Steps]] = []
        self._numbers = count()
        self._round_at = clock.now()
        self._last_round = clock.now() - timedelta(seconds=1)
        limiter.reset()

    # --- time

    def begin(self, steps: Steps, after: float = 0.0) -> None:
        heapq.heappush(self._steps, (self.clock.now() + timedelta(seconds=after), next(self._numbers), steps))

    def pass_time(self, length: timedelta) -> None:
        end = self.clock.now() + length
        while self._steps and self._steps[0][0] <= end:
            at, _, steps = heapq.heappop(self._steps)
            self._go_round_until(at)
            wait = next(steps, None)
            if wait is not None:
                self.begin(steps, wait)
        self._go_round_until(end)

    def skip(self, length: timedelta) -> None:
        """The same when nobody does anything: the engine goes round twice a minute."""
        for _ in range(length // timedelta(seconds=30)):
            self.clock.advance(30)
            self.garage.round()

    def _go_round_until(self, at: datetime) -> None:
        """The engine goes round when it wants to, or when somebody wakes it, at most twice a second."""
        shortest = timedelta(seconds=SHORTEST_STEP)
        while True:
            due = self._last_round + shortest if self.garage.woken else self._round_at
            wait = max(timedelta(0), min(at, due) - self.clock.now())
            self.clock.advance(wait.total_seconds())
            if due > at:
                return
            again = self.garage.round()
            self._last_round = self.clock.now()
            self._round_at = self._last_round + timedelta(seconds=min(max(again, SHORTEST_STEP), LONGEST_STEP))

    # --- honest people

    def set_the_scene(self, old: int = OLD, charging: int = CHARGING) -> None:
        """Some charges that ended more than an hour ago, and some that go on."""
        begun: list[str] = []
        for number in range(old):
            self.begin(self.drive(OLD_ONES + number, minutes=1, began=begun), 25.0 * number)
        if old:
            self.pass_time(timedelta(seconds=25 * old + 180))
            self.skip(timedelta(minutes=70))
        self.receipts = [key for key in begun if self.session(key).known_status is Status.CAPTURED]
        begun.clear()
        for number in range(charging):
            self.begin(self.drive(CHARGING_ONES + number, minutes=120, began=begun), 25.0 * number)
        self.pass_time(timedelta(seconds=25 * charging + 90))
        go_on = sum(self.session(key).known_status is Status.CHARGING for key in begun)
        if (len(self.receipts), go_on) != (old, charging):
            raise RuntimeError(f"{len(self.receipts)} receipts and {go_on} charges to begin with")
        self.seen = Seen()

    def let_drivers_come(self) -> None:
        """The counted ones, one after another, until all of them have been served or have given up."""
        for number in range(self.drivers):
            self.begin(self.drive(number, minutes=60), EVERY.total_seconds() * number)
        while len(self.seen.waits) < self.drivers:
            self.pass_time(timedelta(seconds=30))

    def drive(self, number: int, *, minutes: float, began: list[str] | None = None) -> Steps:
        """Scan, start, pay, charge for so long. Who finds the bay taken goes to one that is free.

        With `began` they are not counted, and the key of their session is put there.
        """
        rng = random.Random(f"driver/{number}")  # noqa: S311 - a reproducible play
        browser = Browser(self.garage, f"203.0.113.{number % 250 + 1}")
        first = place = self.places[number]
        scanned, key = self.clock.now(), None
        while key is None and self._waited(scanned) < PATIENCE:
            page = browser.get(f"/c/{place[0]}")
            if page.status_code == 200:
                key = browser.start(*place)
                if key is not None and not (yield from self._until_payable(key, scanned)):
                    key = None
                elif key is None and not self.is_free(place):
                    free = [one for one in self.garage.places if self.is_free(one)]
                    place = rng.choice(free) if free else place
            if key is None:
                yield 2.0
        if began is not None:
            began += [key] if key is not None else []
        else:
            self.seen.waits.append(self._waited(scanned) if key is not None else None)
            self.seen.at_their_bay += key is not None and place == first
        if key is not None:
            yield from self._charge(browser, key, minutes)

    def _until_payable(self, key: str, scanned: datetime) -> Generator[float, None, bool]:
        while self._waited(scanned) < PATIENCE:
            session = self.session(key)
            if session.known_status is Status.CREATED:
                return True
            if session.phase not in {Phase.QUEUED, Phase.OPEN}:
                return False
            yield 1.0
        return False

    def _charge(self, browser: Browser, key: str, minutes: float) -> Steps:
        """Pay, and watch: by a stream, or by asking every five seconds without one."""
        browser.get(f"/s/{key}/payment")
        yield 10.0
        self.garage.pay(key)
        browser.post(f"/s/{key}/confirm")
        end, stream = self.clock.now() + timedelta(minutes=minutes), False
        while self.clock.now() < end:
            session = self.session(key)
            if session.known_status is Status.CHARGING and session.fresh_at is not None:
                self.seen.ages.append(self._waited(session.fresh_at))
            if not stream:
                stream = self._open_stream(browser, key)
                browser.get(f"/s/{key}.json")
            yield 5.0
        browser.post(f"/s/{key}/stop")
        while not self.session(key).final:
            browser.get(f"/s/{key}.json")
            yield 5.0

    def _open_stream(self, browser: Browser, key: str) -> bool:
        self.seen.streams += 1
        if self.open_stream(browser, key):
            return True
        self.seen.streams_refused += 1
        return False

    # --- what anybody may do

    def open_stream(self, browser: Browser, key: str) -> bool:
        """The page of that session stays open to the end."""
        # An answer that is not over keeps its request's context, which in a server is that of a thread of its own.
        context = Context()
        answer = context.run(browser.get, f"/s/{key}/events", buffered=False)
        if answer.status_code != 200:
            context.run(answer.close)
            return False
        self.streams.callback(context.run, answer.close)
        return True

    def session(self, key: str) -> Session:
        found = self.garage.store.session(key)
        if found is None:
            raise RuntimeError("a session is gone")
        return found

    def is_free(self, place: tuple[str, int]) -> bool:
        """Anybody can see it on the pages."""
        return self.garage.store.session_at(*place) is None

    def _waited(self, since: datetime) -> float:
        return (self.clock.now() - since).total_seconds()
