"""Bad luck of one run, dealt by its seed: on the wire, at the chargers, on the kiosk's own machine."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

from kiosk.sandbox.world.faults import Kind, Rule
from kiosk.simulation.process import Process

SPOILS = (
    Kind.TRUNCATED,
    Kind.HTML,
    Kind.EMPTY,
    Kind.NULLS,
    Kind.MISSING,
    Kind.STRANGE_STATUS,
    Kind.STRANGE_CONNECTOR,
    Kind.ENERGY_FALLS,
    Kind.ENERGY_ABSURD,
    Kind.CURRENCY_CASE,
)
ERRORS = (Kind.SERVER_ERROR, Kind.BAD_GATEWAY, Kind.CHARGER_TIMEOUT)
TWICE = frozenset({"charger", "session", "confirm", "stop", "cancel"})
"""What a network may deliver twice. A start is the exception: who is charged twice by that is not the kiosk's doing."""
LONG_CLOSED = frozenset({"start", "stop", "cancel"})
"""Doors that upstream may want closed for an hour. Of the reads the kiosk believes it, and would read nothing."""
A_MINUTE = 60.0
BECOMES = {
    "lost": "never arrives",
    "cut": "loses its answer on the way",
    "late": "is answered late",
    "very late": "is answered after a minute",
    "slow": "arrives late",
    "repeated": "is delivered twice",
    "error": "is answered with an error",
    "spoilt": "is answered with something spoilt",
    "429": "is turned away",
}
PARTS = (
    ("payment", "pricing"),
    ("energy_kwh", "cost_amount"),
    ("amount_captured", "captured_at"),
    ("status",),
    ("connector_status", "charger.online"),
)


class Meets(Protocol):
    def __call__(self, kind: str, one: str | None = None) -> bool:
        """Whether this part of the run comes: all of that `kind`, or this `one` of it."""


@dataclass(frozen=True)
class Fate:
    """What happens to one call. Seconds `before` it arrives and `after` the work; `rule` spoils its answer."""

    before: float = 0.0
    after: float = 0.0
    lost: bool = False
    cut: bool = False
    twice: bool = False
    rule: Rule | None = None


class Luck:
    """`on` may be turned off: then everything goes well from now on. `counts` says what has happened, by its name.

    What becomes of the fourth stop is dealt by the seed for the fourth stop: leaving one thing out shifts no other.
    """

    def __init__(
        self, seed: int, *, rough: bool, disturbs: Callable[[float], None], meets: Meets, tell: Callable[[str], None]
    ) -> None:
        """`disturbs` is told for how many seconds nothing can be expected of the kiosk; `meets` is asked whether a
        part of the run comes to it; `tell` takes sentences.
        """
        self._seed, self._disturbs, self._meets, self._tell = seed, disturbs, meets, tell
        self.rng = rng = random.Random(f"{seed}/luck")  # noqa: S311 - a play
        self._asked: Counter[str] = Counter()
        self.on = True
        self.rough = rough
        self.counts: Counter[str] = Counter()
        self.freezes_in: int | None = None
        self.dawdles = False
        """Upstream does what it is asked, and answers a minute later."""
        self._silent: dict[str, float] = {}
        self._share = rng.choice((0.01, 0.03, 0.08)) if rough else 0.0

    def note(self, name: str) -> None:
        self.counts[name] += 1

    def perhaps_freeze(self, process: Process) -> None:
        """Between deciding and sending are the worst of moments to be frozen. The process that leads sends."""
        if not self.on or self.freezes_in is None:
            return
        self.freezes_in -= 1
        if self.freezes_in <= 0:
            self.freezes_in = None
            self.note("frozen at a send")
            seconds = self.rng.uniform(12, 80)
            process.freeze(seconds)
            self._disturbs(seconds + 30)

    def silence(self, code: str, until: float) -> None:
        """Until then nothing is told of what that charger's meter says, nor that its bay charges."""
        self._silent[code] = until

    def silenced(self, answer: httpx.Response, now: float) -> httpx.Response:
        """The answer as it is while a charger is silent."""
        if not self.on or not self._silent or answer.status_code >= 300:
            return answer
        try:
            body = json.loads(answer.content)
        except ValueError:
            return answer
        data = body.get("data") if isinstance(body, dict) else None
        charger = data.get("charger") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(charger, dict) or data.get("status") != "charging":
            return answer
        if now >= self._silent.get(charger.get("public_code") or "", now):
            return answer
        data |= {"energy_kwh": None, "cost_amount": None, "connector_status": "Preparing"}
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
        return httpx.Response(answer.status_code, headers=headers, json=body)

    def fate_of_call(self, endpoint: str) -> Fate:
        self._asked[endpoint] += 1
        rng = random.Random(f"{self._seed}/{endpoint}/{self._asked[endpoint]}")  # noqa: S311 - a play
        usual = rng.uniform(0.02, 0.4)
        if not self.on or not self.rough:
            return Fate(usual / 2, usual / 2)
        if self.dawdles:
            return Fate(usual, A_MINUTE)
        if rng.random() >= self._share:
            return Fate(usual / 2, usual / 2)
        return self._unlucky(rng, endpoint, usual)

    def _unlucky(self, rng: random.Random, endpoint: str, usual: float) -> Fate:
        what = rng.choice(("lost", "cut", "late", "very late", "slow", "repeated", "error", "spoilt", "spoilt", "429"))
        if what == "repeated" and endpoint not in TWICE:
            what = "lost"
        if what == "error" and endpoint == "start":
            what = "cut"
        number = self._asked[endpoint]
        if not self._meets(f"calls {what}", f"{endpoint} {number} {what}"):
            return Fate(usual / 2, usual / 2)
        self.note(f"call {what}")
        self._tell(f"Call {number} of {endpoint} {BECOMES[what]}.")
        match what:
            case "lost":
                return Fate(usual, lost=True)
            case "cut":
                return Fate(usual, usual, cut=True)
            case "late":
                return Fate(usual, rng.uniform(1, 14))
            case "very late":
                return Fate(usual, A_MINUTE)
            case "slow":
                return Fate(rng.uniform(1, 10), usual)
            case "repeated":
                return Fate(usual, usual, twice=True)
            case "error":
                return Fate(usual, usual, rule=Rule(rng.choice(ERRORS), endpoint, after_effect=rng.random() < 0.5))
            case "429":
                wait = rng.choice((None, 1, 30, 90, 3600 if endpoint in LONG_CLOSED else 90))
                return Fate(usual, usual, rule=Rule(Kind.TOO_MANY, endpoint, retry_after=wait))
            case _:
                kind = rng.choice(SPOILS)
                return Fate(usual, usual, rule=Rule(kind, endpoint, fields=rng.choice(PARTS)))
