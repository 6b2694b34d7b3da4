"""How far a running charge is by the operator's view of its whole site: an estimate, until the session itself says so.

One list tells the energy of every charge on a site, so that nobody has to ask for each session. But the figure may be
zero, null, stale or rounded, and nothing links it to the session but charger, connector and time. So it counts only
after it agreed with a figure of the session itself, and only while it goes on from there. No receipt is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from kiosk.domain.doubt import Figures, is_possible
from kiosk.domain.session import WAITING_WORDS, Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.trace import Trace

AGREES_KWH = Decimal("0.1")
AGREES_SHARE = Decimal("0.02")
"""So far below the session's own figure, or by this share of it, a figure may be that was asked for after it."""
COMPARED_WITHIN = timedelta(seconds=30)
"""Only a figure that was asked for so soon after the session's own tells whether both are the same. Later it would
agree by having caught up."""
STANDS_FOR = timedelta(seconds=60)
"""One that stands still for longer, and for which nobody has said why, is as old as its last rise."""
LIVE_FOR = timedelta(seconds=45)
"""While it is not older, nobody has to read the session for its figures."""
_RUNNING = frozenset({Status.CHARGING, Status.STOPPING})


@dataclass(frozen=True, slots=True)
class Progress:
    """What the operator's view has told of one running charge.

    `number` is the back office's of the transaction. `asked_at` is when the newest answer that told a figure was asked
    for, `rose_at` when its figure was first told. `agreed_at` is the reading of the session that it agreed with last,
    None while it has not, or not any more.
    """

    number: int
    energy_kwh: Decimal
    asked_at: datetime
    rose_at: datetime
    agreed_at: datetime | None = None
    trace: Trace = field(default_factory=Trace)


def heard(
    before: Progress | None, session: Session, number: int, energy_kwh: Decimal | None, asked_at: datetime
) -> Progress | None:
    """What is known after one more answer; `energy_kwh` is None when it told none.

    Nothing and zero say nothing. A figure that no connector can have made is left out, and what was known does not
    count before the session has been read again.
    """
    if before is not None and before.number != number:
        before = None
    if not energy_kwh or (before is not None and asked_at <= before.asked_at):
        return before
    if before is None:
        fresh = Progress(number, energy_kwh, asked_at, asked_at, None, Trace().add(asked_at, energy_kwh))
        return _compared(fresh, session)
    if not is_possible(
        Figures(before.energy_kwh, None),
        Figures(energy_kwh, None),
        asked_at - before.rose_at,
        session.most_kw,
        session.tariff,
    ):
        return replace(before, agreed_at=None)
    rose = energy_kwh != before.energy_kwh
    after = replace(
        before,
        energy_kwh=energy_kwh,
        asked_at=asked_at,
        rose_at=asked_at if rose else before.rose_at,
        agreed_at=before.agreed_at if energy_kwh >= before.energy_kwh else None,
        trace=before.trace.add(asked_at, energy_kwh),
    )
    return _compared(after, session)


def joined(session: Session, progress: Progress | None) -> Session:
    """The session with the figures of the operator's view, where they are newer and count; else the very same session.

    For what is shown and decided while it charges. It is never stored, and nothing is billed by it.
    """
    if progress is None or session.tariff is None or not _newer(progress, session) or not _counts(progress, session):
        return session
    own = session.energy_kwh or Decimal(0)
    energy = max(own, progress.energy_kwh)
    if session.cost_minor is None:
        cost = session.tariff.example(energy).minor
    else:
        more = session.tariff.energy_cost_exact(energy - own)
        cost = session.cost_minor + int(more.to_integral_value(ROUND_HALF_UP))
    if session.held_minor is not None:
        cost = min(cost, max(session.held_minor, session.cost_minor or 0))
    return replace(session, energy_kwh=energy, cost_minor=cost, trace=progress.trace, fresh_at=as_of(progress, session))


def as_of(progress: Progress, session: Session) -> datetime:
    """The moment for which its figure speaks: that of the newest answer, unless it stands still and nobody says why."""
    allowed = max(STANDS_FOR, (session.meter_interval or timedelta(0)) * 3 / 2)
    explained = session.connector_status in WAITING_WORDS
    if explained or progress.asked_at - progress.rose_at <= allowed:
        return progress.asked_at
    return max(progress.rose_at, session.fresh_at or progress.rose_at)


def is_live(session: Session, progress: Progress | None, now: datetime) -> bool:
    """Its figures come from the operator's view: the session itself need not be read for them.

    Also in the moment after it was read all the same, until the operator's view is newer again.
    """
    if progress is None or not _counts(progress, session):
        return False
    return now - as_of(progress, session) <= LIVE_FOR


def disagrees(session: Session, progress: Progress | None) -> bool:
    """The operator's list tells no figure of this charge that counts, although the session has one to compare with."""
    known = bool(session.energy_kwh) and session.fresh_at is not None
    return known and (progress is None or progress.agreed_at is None)


def _counts(progress: Progress, session: Session) -> bool:
    if session.phase is not Phase.OPEN or session.standing not in _RUNNING or session.doubt is not None:
        return False
    if progress.agreed_at is None or session.charger_online is False:
        return False
    return not (_newer(progress, session) and _below(progress.energy_kwh, session.energy_kwh))


def _newer(progress: Progress, session: Session) -> bool:
    return session.fresh_at is None or progress.asked_at > session.fresh_at


def _compared(progress: Progress, session: Session) -> Progress:
    """Beside the session's newest own figure, when it was asked for soon after that was read."""
    own, read_at = session.energy_kwh, session.fresh_at
    if not own or read_at is None or session.energy_is_old or session.doubt is not None:
        return progress
    if not timedelta(0) <= progress.asked_at - read_at <= COMPARED_WITHIN:
        return progress
    passed = progress.asked_at - read_at + COMPARED_WITHIN
    ahead = is_possible(Figures(own, None), Figures(progress.energy_kwh, None), passed, session.most_kw, session.tariff)
    agreed = ahead and not _below(progress.energy_kwh, own)
    return replace(progress, agreed_at=read_at if agreed else None)


def _below(energy_kwh: Decimal, own: Decimal | None) -> bool:
    return own is not None and energy_kwh < own - max(AGREES_KWH, own * AGREES_SHARE)
