"""When a bay in use will probably be free, for those who wait. Said only when the driver chose where charging ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kiosk.domain.limits import ceiling_at
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status

FRESH = timedelta(minutes=2)
"""Older figures may be those of another power."""
FARTHEST = timedelta(hours=12)
STEP = timedelta(minutes=5)
"""Nobody knows it to the minute, and a time that changes with every reading would look as if."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def expected_free_at(session: Session, now: datetime) -> datetime | None:
    """About when charging ends at the driver's own limit, on the next five minutes; None when that cannot be said.

    It cannot without a limit (a full car ends earlier than its hold), without power, cost or price, or with old
    figures. The cable may stay plugged in for longer, so every screen says "about".
    """
    if session.phase is not Phase.OPEN or session.standing is not Status.CHARGING:
        return None
    if session.limit_minor is None or session.fresh_at is None or session.charger_online is False:
        return None
    if now - session.fresh_at > FRESH or not session.power_kw:
        return None
    at = ceiling_at(session)
    if at is None or at <= now or at - now > FARTHEST:
        return None
    return _EPOCH - (_EPOCH - at) // STEP * STEP
