"""How far the live figures of a charge can be trusted, by their age."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from kiosk.domain.session import Session, age

OLD_AFTER = timedelta(seconds=15)
LOST_AFTER = timedelta(seconds=60)


class Freshness(StrEnum):
    FRESH = "fresh"
    OLD = "old"
    LOST = "lost"


def freshness_of(session: Session, now: datetime) -> Freshness:
    """A session without any figures counts as fresh."""
    old = age(session, now)
    if old is None or old <= OLD_AFTER:
        return Freshness.FRESH
    return Freshness.OLD if old <= LOST_AFTER else Freshness.LOST
