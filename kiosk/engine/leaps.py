"""What to do about a wall clock that leapt ahead: say so, and go along with it when nothing waits for a time.

A leap is no evidence that time went by. A machine that slept knows that it did, and then the time counts. A clock that
was set has only other words for the same moment: by it no start is unpaid for too long, no car has missed its deadline,
nothing is old, no end is overdue, and no minute of upstream's has passed. So the kiosk's clock stays behind
(`kiosk.clock.SystemClock`) until nothing is under way, and takes over the wall clock's then.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group
from kiosk.engine.context import Context
from kiosk.store.errors import Unavailable

log = logging.getLogger(__name__)

FURTHEST = timedelta(days=1)
"""A leap beyond this is not taken over: what is kept for weeks would be erased by a clock that may be wrong. A person
looks at it, and starts the kiosk again.
"""
LOOK_EVERY = timedelta(seconds=5)
LONG_SINCE = timedelta(days=1)
"""What has not changed for so long stands on the list of exceptions at its loudest. It waits for a person."""
_ON_THE_WAY = frozenset({Group.UNPAID, Group.PREPARING, Group.RUNNING})


class Leaps:
    """For the engine's own thread."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told = False
        self._look_at: datetime | None = None

    def look(self) -> None:
        """Go along with the wall clock, if it leapt and nothing speaks against it."""
        clock = self._context.clock
        leapt, now = clock.behind(), clock.now()
        if not leapt:
            self._told = False
            return
        if not self._told:
            self._told = True
            self._look_at = None
            seconds = {"seconds": round(leapt.total_seconds())}
            if leapt > FURTHEST:
                log.error(
                    "the machine's clock leapt ahead; start the kiosk again if that clock is right", extra=seconds
                )
            else:
                log.warning(
                    "the machine's clock leapt ahead; it is followed when no charge is under way", extra=seconds
                )
        if leapt > FURTHEST or (self._look_at is not None and now < self._look_at):
            return
        self._look_at = now + LOOK_EVERY
        try:
            open_now = self._context.store.sessions_to_watch()
        except Unavailable:
            return
        if not any(waits_for_a_time(session, now) for session in open_now):
            clock.follow()
            self._told = False
            log.info("the time of the machine's clock counts from now on")


def waits_for_a_time(session: Session, now: datetime) -> bool:
    """Something is decided about it by how much time has passed: a start, a payment, a car, a limit, an end."""
    if session.final:
        return False
    on_the_way = session.phase is Phase.OPEN and session.facts.group in _ON_THE_WAY
    since = session.status_since or session.requested_at
    return session.phase is Phase.QUEUED or on_the_way or now - since < LONG_SINCE
