"""Which transaction of the charger belongs to which session. Nothing of upstream links the two but charger, connector,
time and energy, and two cars may follow one another within a minute: so a match that is not sure is not made.

`matches` is for charges that have ended, `running_matches` for those that go on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.domain.session import Phase, Session
from kiosk.domain.site_board import SiteTransaction
from kiosk.domain.status import Group

SLACK = timedelta(minutes=5)
"""So far the clocks of charger, back office and kiosk may be apart, with the time in which a charge begins and ends."""
RUNS_WITHIN = timedelta(minutes=2)
"""A charge that goes on began with its transaction, by what the back office tells of both, give or take this."""
EXACT_ENOUGH_KWH = Decimal("0.1")
EXACT_ENOUGH = Decimal("0.02")
"""The session's energy is an estimate from the last meter value: it may miss the meter by so much, or this share."""


@dataclass(frozen=True, slots=True)
class MeterStand:
    """What the charger's own meter said at the beginning and at the end of one charge. Nobody has signed it.

    Stands are watt-hours of the register, `number` is the back office's of that transaction. `stop_reason` is a word
    of OCPP 1.6, or None.
    """

    number: int
    started_at: datetime
    stopped_at: datetime
    start_wh: int
    stop_wh: int
    stop_reason: str | None

    @property
    def energy_kwh(self) -> Decimal:
        return Decimal(self.stop_wh - self.start_wh) / 1000


def stand_of(transaction: SiteTransaction) -> MeterStand | None:
    """None while it runs, when a figure or a time is missing, and when the register or the clock ran backwards."""
    start, stop = transaction.meter_start_wh, transaction.meter_stop_wh
    started_at, stopped_at = transaction.started_at, transaction.stopped_at
    if transaction.active or transaction.is_valid is False or start is None or stop is None:
        return None
    if started_at is None or stopped_at is None or stop < start or stopped_at < started_at:
        return None
    return MeterStand(transaction.id, started_at, stopped_at, start, stop, transaction.stop_reason)


def may_be(session: Session, transaction: SiteTransaction) -> bool:
    """By connector, time and energy it can be the transaction of this session; which charger is not looked at."""
    stand = stand_of(transaction)
    if stand is None or transaction.connector_id != session.connector_id or session.energy_kwh is None:
        return False
    if stand.started_at < session.requested_at - SLACK:
        return False
    for own, theirs in ((session.charging_started_at, stand.started_at), (session.completed_at, stand.stopped_at)):
        if own is not None and abs(own - theirs) > SLACK:
            return False
    over_by = session.completed_at or session.status_since
    if over_by is not None and stand.started_at > over_by + SLACK:
        return False
    difference = abs(stand.energy_kwh - session.energy_kwh)
    return difference <= max(EXACT_ENOUGH_KWH, session.energy_kwh * EXACT_ENOUGH)


def matches(
    sessions: Iterable[Session],
    transactions: Iterable[SiteTransaction],
    codes: Mapping[str, str],
    taken: Collection[int] = (),
) -> dict[str, MeterStand]:
    """The stands by session key, where exactly one transaction fits one session, and that one no other.

    `codes` are the public codes by the uuid of a charger; of a charger that is not in it nothing is matched. `taken`
    are the numbers of transactions that belong to another session already. The order of both lists does not matter.
    """
    unused = (one for one in transactions if one.id not in taken)
    sure = _sure(sessions, unused, codes, may_be)
    return {key: stand for key, one in sure.items() if (stand := stand_of(one)) is not None}


def may_run(session: Session, transaction: SiteTransaction) -> bool:
    """By connector and time it can be the transaction of this session, which goes on or is about to begin.

    Which charger is not looked at. One whose connector, or whose beginning, is not told is nobody's.
    """
    group = session.facts.group
    if session.phase is not Phase.OPEN or group not in {Group.PREPARING, Group.RUNNING}:
        return False
    began = transaction.started_at
    if not transaction.active or transaction.is_valid is False or began is None:
        return False
    if transaction.connector_id is None or transaction.connector_id != session.connector_id:
        return False
    if session.charging_started_at is not None:
        return abs(began - session.charging_started_at) <= RUNS_WITHIN
    return began >= (session.authorized_at or session.requested_at) - RUNS_WITHIN


def running_matches(
    sessions: Iterable[Session], transactions: Iterable[SiteTransaction], codes: Mapping[str, str]
) -> dict[str, SiteTransaction]:
    """The running transactions by session key, where exactly one fits one session, and that one no other.

    `codes` as for `matches`. A transaction that never got its end fits nobody who came later.
    """
    return _sure(sessions, transactions, codes, may_run)


def _sure(
    sessions: Iterable[Session],
    transactions: Iterable[SiteTransaction],
    codes: Mapping[str, str],
    fits: Callable[[Session, SiteTransaction], bool],
) -> dict[str, SiteTransaction]:
    by_bay: dict[tuple[str, int | None], list[SiteTransaction]] = {}
    for one in {one.id: one for one in transactions}.values():
        code = _code(one, codes)
        if code is not None:
            by_bay.setdefault((code, one.connector_id), []).append(one)
    found: dict[str, list[SiteTransaction]] = {}
    suitors: dict[int, int] = {}
    for session in {one.key: one for one in sessions}.values():
        here = by_bay.get((session.code, session.connector_id), [])
        found[session.key] = [one for one in here if fits(session, one)]
        for one in found[session.key]:
            suitors[one.id] = suitors.get(one.id, 0) + 1
    return {key: ones[0] for key, ones in found.items() if len(ones) == 1 and suitors[ones[0].id] == 1}


def _code(transaction: SiteTransaction, codes: Mapping[str, str]) -> str | None:
    uuid = transaction.charger.uuid if transaction.charger is not None else None
    return codes.get(uuid) if uuid is not None else None
