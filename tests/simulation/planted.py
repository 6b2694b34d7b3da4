"""Mistakes that are planted on purpose, each as a patch, to see whether the simulation finds them.

`scripts/simulate --planted` plays until each is found, and prints with which seed and after how many sessions.

What is planted is what a hurried change could make of the kiosk. `seed` is a rough run in which it was found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kiosk.domain import limits, pursuit
from kiosk.domain import session as folding
from kiosk.domain.session import Session
from kiosk.engine import open_sessions
from kiosk.engine.schedule import ReadNeed
from kiosk.simulation.play import Result, play
from kiosk.store import commands, machinery
from kiosk.upstream import values
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.plugchoice import public_reading
from kiosk.upstream.plugchoice.budget import Budgets, Grant
from kiosk.upstream.plugchoice.public import PlugchoicePublic, Started


@dataclass(frozen=True)
class Planted:
    """`found` is a part of the sentence in which the witness tells of it, in a run of so many `drivers`. `only` these
    blows come to that run; none named: any. `two` processes share its store.
    """

    name: str
    plant: Callable[[pytest.MonkeyPatch], None]
    seed: int
    found: str
    drivers: int = 12
    only: frozenset[str] = frozenset()
    two: bool = False


def start_again(patch: pytest.MonkeyPatch) -> None:
    """A start that got no answer is sent once more."""
    send = PlugchoicePublic.start

    def twice(self: PlugchoicePublic, code: str, connector_id: int, email: str | None = None) -> Started:
        try:
            return send(self, code, connector_id, email)
        except NoAnswer:
            return send(self, code, connector_id, email)

    patch.setattr(PlugchoicePublic, "start", twice)


def stop_once(patch: pytest.MonkeyPatch) -> None:
    """A stop is sent, and then it is believed."""

    def never_again(session: Session, sent: list[Any], now: datetime) -> datetime:
        del session
        return now + timedelta(days=1) if sent else now

    patch.setattr(pursuit, "_end_due", never_again)


def stamped_early(patch: pytest.MonkeyPatch) -> None:
    """A request counts from when it left, not from when upstream has answered it."""
    end, answered = Budgets.ended, Budgets.answered

    def ended(self: Budgets, grant: Grant, now: datetime) -> None:
        del now
        end(self, grant, grant.taken_at)
        grant.counts_from = grant.taken_at

    def heard(self: Budgets, grant: Grant, now: datetime, status: int, headers: Any) -> bool:
        said = answered(self, grant, now, status, headers)
        grant.counts_from = grant.taken_at
        return said

    patch.setattr(Budgets, "ended", ended)
    patch.setattr(Budgets, "answered", heard)


def half_an_end(patch: pytest.MonkeyPatch) -> None:
    """An end is final, with or without its amounts."""
    patch.setattr(folding, "_read_on", lambda _session: False)


def urgent_ends(patch: pytest.MonkeyPatch) -> None:
    """A hint about what has ended is as urgent as one about what goes on."""

    def need(key: str, last: datetime | None, target: float, ended: bool = False, patient: bool = False) -> ReadNeed:
        return ReadNeed(key, None, 1.0) if ended else ReadNeed(key, last, target, patient=patient)

    patch.setattr(open_sessions, "ReadNeed", need)


def never_swept(patch: pytest.MonkeyPatch) -> None:
    """A hold at which nothing charges is left to upstream."""
    patch.setattr(limits, "charger_must_answer_by", lambda *_asked: None)


def null_for_zero(patch: pytest.MonkeyPatch) -> None:
    """A meter that says nothing says zero."""
    kwh, minor = values.as_kwh, values.as_minor
    patch.setattr(public_reading, "as_kwh", lambda value: Decimal(0) if value is None else kwh(value))
    patch.setattr(public_reading, "as_minor", lambda value: 0 if value is None else minor(value))


def not_fenced(patch: pytest.MonkeyPatch) -> None:
    """Whoever led once may send."""
    for module in (machinery, commands):
        patch.setattr(module, "held", lambda *_asked: None)


PLANTED = (
    Planted("a start is sent again after a time-out", start_again, 2, "reached upstream twice"),
    Planted("a stop is sent once", stop_once, 1, "not pursued", 8, frozenset({"ignored stops"})),
    Planted("a grant is stamped early", stamped_early, 32, "within a minute"),
    Planted("a receipt without amounts", half_an_end, 2, "was taken", 8, frozenset({"late amounts"})),
    Planted("a hold is not swept", never_swept, 4, "held for", 8, frozenset({"forgotten cables"})),
    Planted("null is taken for zero", null_for_zero, 1, "without evidence", 12, frozenset({"silent meters"})),
    Planted(
        "a fencing check is left out", not_fenced, 1, "another one led", 8, frozenset({"freeze at a send"}), two=True
    ),
    Planted("an ended hint is urgent", urgent_ends, 2, "reads of sessions that have ended", 8, frozenset({"storm"})),
)

MOST_RUNS = 12
"""Any change of the kiosk shifts what a seed deals out, so that the next seeds are played as well."""


@dataclass(frozen=True)
class Found:
    """In the run of `seed`, after so many `sessions` of all runs together."""

    seed: int
    sessions: int
    sentence: str


def search(planted: Planted, played: Callable[..., Result] = play) -> Found | None:
    """Plant it, and play its seed and those that follow until the witness tells of it; None after MOST_RUNS of them."""
    sessions = 0
    with pytest.MonkeyPatch.context() as patch:
        planted.plant(patch)
        for seed in range(planted.seed, planted.seed + MOST_RUNS):
            result = played(seed, rough=True, drivers=planted.drivers, only=planted.only, two=planted.two)
            sessions += planted.drivers
            for sentence in result.broken:
                if planted.found in sentence:
                    return Found(seed, sessions, sentence)
    return None


def main() -> int:
    """Ends with 1 when one is not found."""
    missed = 0
    for planted in PLANTED:
        found = search(planted)
        missed += found is None
        said = f"seed {found.seed}, {found.sessions} sessions: {found.sentence}" if found is not None else "NOT FOUND"
        sys.stdout.write(f"{planted.name:48} {said}\n")
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
