"""How far the live figures of a charge can be trusted, by their age, and by how often they are renewed here."""

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


def old_after(session: Session, every: timedelta | None = None) -> timedelta:
    """From this age on the figures are old. `every`: how often figures are renewed here, None: as often as usual.

    Where many cars share the reads, a figure is not old because its turn has not come. Of a charger without contact
    none comes at all.
    """
    return _stretched(session, OLD_AFTER, every, 1.5)


def lost_after(session: Session, every: timedelta | None = None) -> timedelta:
    """From this age on contact is lost: the figures should have been renewed several times."""
    return _stretched(session, LOST_AFTER, every, 3)


def freshness_of(session: Session, now: datetime, every: timedelta | None = None) -> Freshness:
    """A session without any figures counts as fresh. `every` as for `old_after`."""
    old = age(session, now)
    if old is None or old <= old_after(session, every):
        return Freshness.FRESH
    return Freshness.OLD if old <= lost_after(session, every) else Freshness.LOST


def _stretched(session: Session, usual: timedelta, every: timedelta | None, times: float) -> timedelta:
    return usual if every is None or session.charger_online is False else max(usual, every * times)
