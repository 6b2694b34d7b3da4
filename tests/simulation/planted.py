"""Mistakes that are planted on purpose, each as a patch, to see whether the simulation finds them.

What is planted is what a hurried change could make of the kiosk. `seed` is a rough run in which it is found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kiosk.domain import pursuit
from kiosk.domain import session as folding
from kiosk.domain.limits import Policy, Step, guard
from kiosk.domain.session import Observation, Session
from kiosk.domain.status import Group
from kiosk.engine import lead, open_sessions
from kiosk.engine.duties import guard as guarding
from kiosk.engine.schedule import ReadNeed
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.plugchoice import public
from kiosk.upstream.plugchoice.budget import Budgets, Grant
from kiosk.upstream.plugchoice.public import PlugchoicePublic, Started
from kiosk.upstream.plugchoice.public_reading import read_observation


@dataclass(frozen=True)
class Planted:
    """`found` is a part of the sentence in which the witness tells of it."""

    name: str
    plant: Callable[[pytest.MonkeyPatch], None]
    seed: int
    found: str


def start_again(patch: pytest.MonkeyPatch) -> None:
    """A start that got no answer is sent once more."""
    send = PlugchoicePublic.start

    def twice(self: PlugchoicePublic, code: str, connector_id: int, email: str | None = None) -> Started:
        try:
            return send(self, code, connector_id, email)
        except NoAnswer:
            return send(self, code, connector_id, email)

    patch.setattr(PlugchoicePublic, "start", twice)


def no_deadline(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks after a hold at which no charge begins."""

    def blind(session: Session, policy: Policy, now: datetime, late_by: timedelta, **more: Any) -> Step | None:
        waits = session.facts.group is Group.PREPARING
        return None if waits else guard(session, policy, now, late_by, **more)

    patch.setattr(guarding, "guard", blind)


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


def unfenced(patch: pytest.MonkeyPatch) -> None:
    """Nothing that leaves is checked against the lease."""
    patch.setattr(lead.Lead, "lease", property(lambda _lead: None))
    patch.setattr(lead.Lead, "note_call", lambda self, endpoint, at: self._context.store.note_call(endpoint.value, at))


def null_is_zero(patch: pytest.MonkeyPatch) -> None:
    """An amount that nobody has told is nothing."""
    read = read_observation

    def told(body: object, asked_at: datetime, seen_at: datetime) -> Observation:
        seen = read(body, asked_at, seen_at)
        known = seen.captured_minor if seen.captured_minor is not None or seen.status != "captured" else 0
        return replace(seen, captured_minor=known, energy_kwh=seen.energy_kwh or Decimal(0))

    patch.setattr(public, "read_observation", told)


def half_an_end(patch: pytest.MonkeyPatch) -> None:
    """An end is final, with or without its amounts."""
    patch.setattr(folding, "_read_on", lambda _session: False)


def urgent_ends(patch: pytest.MonkeyPatch) -> None:
    """A hint about what has ended is as urgent as one about what goes on."""

    def need(key: str, last: datetime | None, target: float, ended: bool = False) -> ReadNeed:
        return ReadNeed(key, None, 1.0) if ended else ReadNeed(key, last, target)

    patch.setattr(open_sessions, "ReadNeed", need)


PLANTED = (
    Planted("a start is sent again after a time-out", start_again, 2, "reached upstream twice"),
    Planted("a hold is not swept", no_deadline, 1, "nobody ends it"),
    Planted("a stop is sent once", stop_once, 1, "not pursued"),
    Planted("a grant is stamped early", stamped_early, 2, "within a minute"),
    Planted("a fencing check is left out", unfenced, 1, "within a minute"),
    Planted("null is taken for zero", null_is_zero, 4, "was taken"),
    Planted("a receipt without amounts", half_an_end, 4, "was taken"),
    Planted("an ended hint is urgent", urgent_ends, 1, "reads of sessions that have ended"),
)
