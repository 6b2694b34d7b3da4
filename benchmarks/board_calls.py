"""What the board of a site asks of the systems outside: the real engine and real tablets' questions, in simulated time.

Every figure is a count, so it is the same on every machine.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from benchmarks.report import Figure
from benchmarks.site_scene import SiteScene
from kiosk.app import running
from kiosk.clock import ManualClock
from kiosk.demo import LAB_TOKEN, MOUNT, OPERATOR_TOKEN, PILOT_KEY, PILOT_SECRET
from kiosk.engine.engine import Engine
from kiosk.sandbox.chargepilot.gateway import PREFIX

NAME = "board"
HERE = f"http://127.0.0.1:9{MOUNT}"
SYSTEMS = {
    "chargepilot_url": f"{HERE}/chargepilot{PREFIX}",
    "chargepilot_key": PILOT_KEY,
    "chargepilot_secret": PILOT_SECRET,
    "ocpplab_url": f"{HERE}/ocpplab",
    "ocpplab_token": LAB_TOKEN,
}
NAMES = {
    "operator_site_connectors": "states",
    "operator_public_charging": "prices",
    "charger": "public cards",
    "chargepilot_site": "fuses",
    "ocpplab_chargers": "makes",
}
SLOW = ("chargepilot_", "ocpplab_")
"""Routes of the systems that are asked now and then even when nobody looks."""
ASKED_EVERY = 5.0
"""Seconds between two questions of one tablet."""
SAMPLED_EVERY = 3
LONGEST_STEP, SHORTEST_STEP = 1.0, 0.2
TABLETS = 20
SETTLED = timedelta(minutes=3)
"""By then every price was read once."""
WATCHED, UNWATCHED = timedelta(minutes=6), timedelta(minutes=60)


class NotShown(Exception):
    """A tablet had no board, so that the counts would mean nothing."""


@dataclass(frozen=True)
class Calls:
    """Answers in the measured window by route, 429 from the beginning, and the mean share of bays with old states."""

    by_route: Counter[str]
    minutes: float
    refused: int
    old: float

    @property
    def total(self) -> int:
        return self.by_route.total()

    @property
    def for_boards(self) -> int:
        return sum(count for route, count in self.by_route.items() if not route.startswith(SLOW))

    @property
    def a_minute(self) -> str:
        shares = self.by_route.most_common()
        parts = ", ".join(f"{NAMES.get(route, route)} {count / self.minutes:.1f}" for route, count in shares)
        return f"{self.total / self.minutes:.1f} ({parts})" if parts else "0.0"


def figures(chargers: int) -> list[Figure]:
    found = []
    for token in (True, False):
        name = f"{NAME}, {'with' if token else 'without'} token"
        nobody = calls(chargers, 0, token=token, measured=UNWATCHED)
        one, many = (calls(chargers, tablets, token=token) for tablets in (1, TABLETS))
        refused, idle = sum(each.refused for each in (nobody, one, many)), nobody.for_boards
        found += [
            Figure(
                name,
                f"requests in {nobody.minutes:.0f} min for a board that nobody looks at",
                str(idle),
                "0",
                not idle,
            ),
            Figure(name, "requests a minute, nobody looking", nobody.a_minute),
            Figure(name, "requests a minute, one tablet", one.a_minute),
            Figure(
                name,
                f"requests in {one.minutes:.0f} min, 1 tablet and {TABLETS}",
                f"{one.total:,} and {many.total:,}",
                "equal",
                one.by_route == many.by_route,
            ),
            Figure(name, "answers of 429", str(refused), "0", refused == 0),
            Figure(
                name,
                "bays with states older than 60 s, the same two",
                f"{one.old:.1%} and {many.old:.1%}",
                *(("0.0%", one.old == 0 == many.old) if token else ()),
            ),
        ]
    return found


def calls(
    chargers: int,
    tablets: int,
    *,
    token: bool,
    settled: timedelta = SETTLED,
    measured: timedelta = WATCHED,
) -> Calls:
    """Let that many tablets look at the board for `settled`, then count for `measured`."""
    outside: dict[str, Any] = {**SYSTEMS, **({"plugchoice_token": OPERATOR_TOKEN} if token else {})}
    clock = ManualClock()
    with (
        tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder,
        closing(SiteScene(Path(folder), clock, chargers, outside=outside)) as scene,
    ):
        play = Play(scene, clock, tablets)
        play.pass_time(settled)
        before = play.answers()
        play.begin()
        play.pass_time(measured)
        by_route, refused = play.answers() - before, scene.world.traffic.total(status=429)
    return Calls(by_route, measured / timedelta(minutes=1), refused, play.old)


class Play:
    """The engine of production on the deciding thread, and tablets that ask one after another."""

    def __init__(self, scene: SiteScene, clock: ManualClock, tablets: int) -> None:
        self._scene = scene
        self._clock = clock
        # What `create_app` has wired, but every call is made on this thread.
        self._engine = Engine(running(scene.app).engine._context, inline=True)
        self._tablets = [scene.tablet() for _ in range(tablets)]
        self._tags = [""] * tablets
        now = clock.now()
        self._asks_at = [now + timedelta(seconds=ASKED_EVERY * number / tablets) for number in range(tablets)]
        self._samples: list[float] | None = None
        self._steps = 0

    def answers(self) -> Counter[str]:
        """By route, whatever the status."""
        counted: Counter[str] = Counter()
        for (route, _status), count in self._scene.world.traffic.counts().items():
            counted[route] += count
        return counted

    def begin(self) -> None:
        self._samples = []

    @property
    def old(self) -> float:
        return sum(self._samples) / len(self._samples) if self._samples else 0.0

    def pass_time(self, length: timedelta) -> None:
        end = self._clock.now() + length
        while (now := self._clock.now()) < end:
            for number, at in enumerate(self._asks_at):
                if at <= now:
                    self._ask(number, self._tablets[number])
            wait = self._engine.round()
            left = (end - now).total_seconds()
            self._clock.advance(min(left, max(SHORTEST_STEP, min(wait, LONGEST_STEP))))
            self._sample()

    def _ask(self, number: int, tablet: FlaskClient) -> None:
        headers = {"If-None-Match": self._tags[number]} if self._tags[number] else {}
        answer = tablet.get("/tablet/board.json", headers=headers)
        if answer.status_code not in {200, 304}:
            raise NotShown(f"a board was answered with {answer.status_code}")
        self._tags[number] = answer.headers["ETag"]
        self._asks_at[number] += timedelta(seconds=ASKED_EVERY)

    def _sample(self) -> None:
        """Before the next round may read: how many bays have states that are too old to be shown."""
        self._steps += 1
        if self._samples is None or self._steps % SAMPLED_EVERY:
            return
        now, bays = self._clock.now(), self._scene.bays
        cards = self._scene.store.cards(sorted({code for code, _ in bays}))
        old = sum(code not in cards or cards[code].stale(now) for code, _ in bays)
        self._samples.append(old / len(bays))
